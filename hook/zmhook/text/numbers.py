"""Compare numbers with a limit, and print them so that the comparison stays visible.

A number that only rounding keeps from its limit is the limit: a model's 0.7 is 0.69999999 in the
half of the digits that it computes with. Every other one is printed with the digits that it takes
to see the difference.
"""

from __future__ import annotations

import math
import re

from zmhook.printable import printable, shortened

ROUNDING = 1e-6
"""By which a share or a confidence (0..1) may be wrong: models compute in 32 bits."""
PART = 1e-9
"""Part of a larger number by which it may be wrong."""
SUMMED = 1e-12
"""Part of a number that adding and dividing may be off: nothing that one prints."""
MOST_DIGITS = 17


def is_below(value: float, limit: float) -> bool:
    """Say whether it is below, by more than rounding; NaN is below everything."""
    return not value >= limit - _slack(limit)


def is_above(value: float, limit: float) -> bool:
    """Say whether it is above, by more than rounding; NaN is above everything."""
    return not value <= limit + _slack(limit)


def exact(value: float) -> str:
    """Return a limit as people write it: `0.3`, `1234567`."""
    return f"{value:.15g}"


def apart(value: float, limit: float, digits: int = 2) -> str:
    """Return a number with `digits` decimals, or as many as distinguish it from the limit.

    Read again, it is on the same side of `exact(limit)` as it is itself, or on it where only the
    last digits of a sum keep it away.
    """
    printed = float(exact(limit))
    if math.isclose(value, printed, rel_tol=SUMMED):
        value = printed
    for more in range(digits, MOST_DIGITS + 1):
        text = f"{value:.{more}f}"
        if _side(float(text), printed) == _side(value, printed):
            return text
    return repr(value)


def percent(share: float, limit: float | None = None, digits: int = 0) -> str:
    """Return a share in percent, told apart from a limit that is a share too."""
    if limit is None:
        return f"{share * 100:.{digits}f}%"
    return f"{apart(share * 100, limit * 100, digits)}%"


def _slack(limit: float) -> float:
    return ROUNDING if abs(limit) <= 1 else abs(limit) * PART


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


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
