"""Read single values of a message: one of the wrong type counts as missing."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from zmhook.printable import one_line
from zmhook.text.names import composed

Json = dict[str, Any]

LONGEST_TEXT = 200
LONGEST_ID = 128
BIGGEST_CHANNEL = 1_000_000


def number(value: Any) -> float | None:
    """Return a finite number; numbers in quotes count."""
    if type(value) is float:  # nearly all are
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def fraction(value: Any) -> float | None:
    """Return a number from 0 to 1."""
    share = number(value)
    return share if share is not None and 0 <= share <= 1 else None


def at_least_zero(value: Any) -> float | None:
    amount = number(value)
    return amount if amount is not None and amount >= 0 else None


def channel(value: Any) -> int | None:
    """Return a channel's number."""
    parsed = number(value)
    if parsed is None or not parsed.is_integer() or not 0 <= parsed <= BIGGEST_CHANNEL:
        return None
    return int(parsed)


def text(value: Any, longest: int = LONGEST_TEXT) -> str:
    """Return a text on one line, cut to `longest` characters; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return one_line(value, longest, more="")


def label(value: Any) -> str:
    """Return a name that is safe wherever it is shown: it is no path, and short."""
    return composed(text(value, LONGEST_LABEL)).translate(_SEPARATORS)


def identity(value: Any) -> str:
    """Return an id, which may be a number; one that is too long is replaced by its hash."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < BIGGEST_ID else ""
    if isinstance(value, str) and len(value) > LONGEST_ID:
        return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
    return text(value, LONGEST_ID)


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Json]:
    """Return those members of a list that are objects."""
    return (
        [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []
    )


LONGEST_LABEL = 64
BIGGEST_ID = 10**30
_SEPARATORS = str.maketrans({"/": "_", "\\": "_"})
