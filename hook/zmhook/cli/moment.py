"""A point in time as people write it."""

from __future__ import annotations

import re
from datetime import datetime

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

_AGO = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)


def moment(text: str, now: float) -> float:
    """Return seconds since the epoch for `2h` (ago), a date, or a date with a time.

    Without a zone it is local time. Raises `ValueError` with what to write.
    """
    if found := _AGO.fullmatch(text):
        return now - int(found[1]) * SECONDS[found[2]]
    try:
        # Python 3.10 does not know Z.
        return datetime.fromisoformat(re.sub("Z$", "+00:00", text)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"'{text}' is no time: write 2026-03-20, '2026-03-20 10:17', or 30m, 2h, 7d (ago)"
        ) from None
