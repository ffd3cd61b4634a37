"""The box of an answer, in whatever measure the model gave it.

It was asked for `[ymin, xmin, ymax, xmax]` in whole numbers from 0 to 1000. Models that were
trained otherwise give shares of 1, percent, or pixels of the picture. What fits none of these is
no box: nobody is shown a corner of the picture instead of what was found.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from zmhook.describe.schema import BOX_SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence

Share = tuple[float, float, float, float]
"""`x1, y1, x2, y2`, each 0..1."""
Size = tuple[int, int]
"""Width and height in pixels."""

CORNERS = 4
OVER = 1.1
"""How far over 1 a share may reach; as one of 0..1000 it would be less than a pixel of most
pictures."""
LEAST = 0.003
"""Of the picture's width or height; what is less is nothing that can be seen."""
_LONGEST = 200
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?\s*%?")
_NAMES = (
    ("ymin", "xmin", "ymax", "xmax"),
    ("y_min", "x_min", "y_max", "x_max"),
    ("y1", "x1", "y2", "x2"),
    ("top", "left", "bottom", "right"),
)


def box(value: Any, size: Size | None = None) -> Share | None:
    """Return the box, None when it is not understood; `size` is that of the picture asked about."""
    numbers = _corners(value)
    if numbers is None:
        return None
    most = max(numbers)
    if most <= OVER:
        return _share(numbers, (1.0, 1.0))
    if most > BOX_SCALE and size is not None:
        found = _pixels(numbers, size)
        if found is not None:
            return found
    return _share(numbers, (float(BOX_SCALE), float(BOX_SCALE)))


def _pixels(numbers: Sequence[float], size: Size) -> Share | None:
    """Read pixels in the order that was asked for, or in the usual one where only that fits."""
    width, height = size
    first, second, third, fourth = numbers
    for top, left, bottom, right in (
        (first, second, third, fourth),
        (second, first, fourth, third),
    ):
        if bottom <= height and right <= width:
            return _share((top, left, bottom, right), (float(height), float(width)))
    return None


def _share(numbers: Sequence[float], scale: tuple[float, float]) -> Share | None:
    down, across = scale
    top, left, bottom, right = (
        min(max(number / whole, 0.0), 1.0)
        for number, whole in zip(numbers, (down, across, down, across), strict=True)
    )
    is_box = right - left >= LEAST and bottom - top >= LEAST
    return (left, top, right, bottom) if is_box else None


def _corners(value: Any) -> list[float] | None:
    """Return the four numbers in the order that was asked for, from a list, an object or a text."""
    if isinstance(value, list) and len(value) == 1:
        return _corners_of(value[0])
    return _corners_of(value)


def _corners_of(value: Any) -> list[float] | None:
    if isinstance(value, str):
        value = _listed(value)
    if isinstance(value, dict):
        value = _named(value)
    if not isinstance(value, list) or len(value) != CORNERS:
        return None
    numbers = [_number(one) for one in value]
    return None if None in numbers else [one for one in numbers if one is not None]


def _listed(text: str) -> list[str] | None:
    """Return the numbers of a text that is nothing else, such as `[100, 200, 900, 800]`."""
    if len(text) > _LONGEST or _NUMBER.sub("", text).strip("[](){}<>, \t\r\n;"):
        return None
    return _NUMBER.findall(text)


def _named(value: dict[str, Any]) -> list[Any] | None:
    plain = {str(name).lower(): one for name, one in value.items()}
    names = next((names for names in _NAMES if all(name in plain for name in names)), None)
    return [plain[name] for name in names] if names else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    try:
        number = float(value.rstrip(" %") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    return number / 100 if percent else number
