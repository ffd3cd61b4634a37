"""Points in time and numbers as people write them on the command line."""

from __future__ import annotations

import argparse
import re
import time
from datetime import datetime

from zmhook.text.ids import parsed, parsed_or_none

LARGEST = 2**53
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


def moment_argument(text: str) -> float:
    """Read an argument as `moment`, for argparse."""
    try:
        return moment(text, time.time())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def event_argument(text: str) -> int:
    """Read an event's number, for argparse."""
    try:
        return parsed(text, "event")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def monitor_argument(text: str) -> int | None:
    """Read a monitor's number, or nothing for one that is not known, for argparse."""
    try:
        return parsed_or_none(text, "monitor")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number_argument(text: str) -> int:
    """Read a count, for argparse; a database takes no more than 2^53."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number < LARGEST:
        raise argparse.ArgumentTypeError(f"'{text}' is no number")
    return number
