"""How the text of a configuration value becomes a typed value.

Each type that a setting can have has one reader here, which raises `ValueError` with what is
allowed; ranges are checked afterwards by msgspec from the setting's `Meta`.
"""

from __future__ import annotations

import re
from msgspec import Struct

YES = frozenset({"yes", "true", "on", "1"})
NO = frozenset({"no", "false", "off", "0"})


class Secret:
    """A value that never shows itself: `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "***" if self._value else "''"


class Colour(Struct, frozen=True, array_like=True):
    """Blue, green, red: 0..255 each, the order that OpenCV draws in."""

    blue: int
    green: int
    red: int


class Zone(Struct, frozen=True):
    """A named polygon in the monitor's pixels: a tuple of `(x, y)` points, three or more."""

    name: str
    points: tuple[tuple[int, int], ...]


def read_bool(text: str) -> bool:
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise ValueError("expected yes or no")


def read_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("expected a whole number") from None


def read_float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("expected a number") from None


def read_width(text: str) -> int | None:
    """A width in pixels, or `no` for none."""
    if text.lower() in NO:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError("expected a width in pixels, or no") from None


def read_words(text: str) -> tuple[str, ...]:
    """A list of words between commas; brackets and quotes of older files are allowed."""
    words = (word.strip(" \t\n'\"") for word in text.strip("[]() ").split(","))
    return tuple(word for word in words if word)


def read_pair(text: str) -> tuple[int, int]:
    numbers = _numbers(text)
    if len(numbers) != 2:  # noqa: PLR2004
        raise ValueError("expected two whole numbers, such as (4,4)")
    return numbers[0], numbers[1]


def read_colour(text: str) -> Colour:
    numbers = _numbers(text)
    if len(numbers) != 3 or not all(0 <= number <= 255 for number in numbers):  # noqa: PLR2004
        raise ValueError("expected three numbers 0..255 (blue, green, red), such as (255,255,255)")
    return Colour(*numbers)


def read_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"expected a regular expression; this one is not ({error})") from None
    return text


def read_polygon(name: str, text: str) -> Zone:
    """A polygon as `x,y x,y x,y`, in pixels."""
    try:
        points = tuple((int(x), int(y)) for x, y in (pair.split(",") for pair in text.split()))
    except ValueError:
        raise ValueError("expected a polygon in whole pixels, such as 0,0 640,0 640,480") from None
    if len(set(points)) < 3:  # noqa: PLR2004
        raise ValueError("a polygon needs at least three different points, such as 0,0 640,0 640,480")
    return Zone(name, points)


def looks_like_polygon(text: str) -> bool:
    return bool(re.fullmatch(r"\s*[-\d.]+\s*,\s*[-\d.]+(\s+[-\d.]+\s*,\s*[-\d.]+)*\s*", text))


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.strip("()[] ").split(",")]
    except ValueError:
        return []
