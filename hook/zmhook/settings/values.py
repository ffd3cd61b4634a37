"""Types of settings that are no plain text, number or word.

No `from __future__ import annotations` here: msgspec reads these types as objects.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from zmhook.text.numbers import exact

FARTHEST = 100_000
"""Pixels: what draws and what measures a zone must not overflow."""
Side = Annotated[int, Meta(ge=1, le=FARTHEST)]
"""Width or height of a picture in pixels."""
Byte = Annotated[int, Meta(ge=0, le=255)]


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


class Colour(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Blue, green, red: 0..255 each, the order that OpenCV draws in."""

    blue: Byte
    green: Byte
    red: Byte


class Extent(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An area: a share of another one in percent, or pixels (width times height)."""

    value: Annotated[float, Meta(ge=0)]
    unit: Literal["%", "px"]

    def pixels(self, whole: float) -> float:
        """Return it in pixels; `whole` is what a percentage is of."""
        return self.value * whole / 100 if self.unit == "%" else self.value

    def __str__(self) -> str:
        return f"{exact(self.value)}{self.unit}"


class Zone(Struct, frozen=True):
    """A named polygon: a tuple of `(x, y)` points, three or more.

    They are pixels of the monitor, or with `percent` shares of its width and height in percent.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    percent: bool = False
