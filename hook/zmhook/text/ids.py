"""Parse the numbers of events and monitors.

One reading for all ways in: what the hook refuses, the service and the commands refuse as well.
"""

from __future__ import annotations

import re

from zmhook.printable import printable, shortened

LARGEST = 2**63 - 1
"""What a signed column of a database holds."""

_WRITTEN = re.compile(r"0|[1-9][0-9]{0,18}")
_SHOWN = 40


def parsed(text: str, what: str) -> int:
    """Return the number; `what` names it in the `ValueError` for all that is none.

    ASCII digits, without a sign, blanks, or zeros in front.
    """
    if _WRITTEN.fullmatch(text) and int(text) <= LARGEST:
        return int(text)
    shown = printable(shortened(text, _SHOWN))
    raise ValueError(f"{what}: expected a whole number, got '{shown}'")


def parsed_or_none(text: str, what: str) -> int | None:
    """Return the number, or None for no text at all; raises `ValueError`."""
    return parsed(text, what) if text else None
