"""Base of the configuration's sections, how a setting is described, and the types of settings.

No `from __future__ import annotations` in the modules of the sections: the types are read as
objects, and strings would have to be evaluated at every start.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from zmhook.errors import Problem, SettingsError
from zmhook.text.numbers import exact

BASE = "{{base_data_path}}"
VARIABLE = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")
"""`{{key}}`: another key's value is put in."""
GROUP = "zmhook.sections"
"""Entry points of sections that installed packages bring; the name is that of the section."""


class Section(Struct, frozen=True, kw_only=True):
    """Base of the sections; the first line of a section's docstring opens its reference."""


def about(
    description: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    form: str = "",
) -> Meta:
    """Describe a setting.

    The limits hold for a number, `min_length` for a list. Limits of a number within another type
    stand at that number: `Annotated[Annotated[int, Meta(ge=1)] | None, about("…")]`. `form` names
    how the text is read where the type alone does not tell (see `forms.FORMS`).
    """
    limits: dict[str, Any] = {"ge": ge, "gt": gt, "le": le, "min_length": min_length}
    extra = {"form": form} if form else None
    meta: Meta = Meta(description=description, extra=extra, **limits)
    return meta


@cache
def installed_section(name: str) -> type[Section]:
    """Import the section that an installed package brings; raises `SettingsError`."""
    from zmhook.extensions import installed

    where = installed(GROUP).get(name)
    if where is None:
        raise _unusable(name, "no installed package brings this section")
    try:
        return _imported(where)
    except Exception as error:
        raise _unusable(name, f"{where} cannot be used: {error or type(error).__name__}") from error


def _imported(where: str) -> type[Section]:
    from importlib import import_module

    module, _, attribute = where.partition(":")
    section = getattr(import_module(module), attribute)
    if not (isinstance(section, type) and issubclass(section, Section)):
        raise TypeError("it is no class that extends Section")
    return section


def _unusable(name: str, why: str) -> SettingsError:
    return SettingsError([Problem("", name, "", why)])


# -- types of settings, beyond texts and words -----------------------------------------------------

FARTHEST = 100_000
"""Pixels: what draws and what measures a zone must not overflow."""
Side = Annotated[int, Meta(ge=1, le=FARTHEST)]
"""Width or height of a picture in pixels."""
Byte = Annotated[int, Meta(ge=0, le=255)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


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
        """Return the area in pixels; a percentage is of `whole`."""
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


# -- odd characters in secrets ---------------------------------------------------------------------

_CHARACTERS = {
    " ": "a blank",
    "\t": "a tab",
    "\n": "a line break",
    "\r": "a line break",
    '"': "a quotation mark",
    "'": "an apostrophe",
    "`": "a backtick",
    "\xa0": "a no-break space",
    "\xad": "a soft hyphen",
    "\u200b": "a zero-width space",
    "\u2010": "a hyphen of another kind",
    "\u2011": "a no-break hyphen",
    "\u2013": "an en dash",
    "\u2014": "an em dash",
    "\u2018": "a curly quote",
    "\u2019": "a curly quote",
    "\u201c": "a curly quote",
    "\u201d": "a curly quote",
    "\u2026": "an ellipsis",
    "\u2212": "a minus sign",
    "\ufeff": "a byte order mark",
}
_IN_NO_KEY = frozenset(" \"'`")


def flaw_of_key(text: str) -> str:
    """Return what no key or token may hold, such as `character 3 is an en dash (U+2013)`.

    Keys are visible ASCII without quotes. Copied from web pages, mails and chats, they have dashes
    for hyphens, other quotes, and characters that nobody sees. Empty for a key that may be right.
    """
    return _first(text, lambda char: not "!" <= char <= "~" or char in _IN_NO_KEY)


def flaw_of_password(text: str) -> str:
    """Return the first invisible character of a password, which is hardly meant; a blank can be."""
    return _first(text, lambda char: char != " " and not char.isprintable())


def _first(text: str, is_wrong: Callable[[str], bool]) -> str:
    if text.isascii() and text.isalnum():
        return ""
    wrong = ((number, char) for number, char in enumerate(text, 1) if is_wrong(char))
    return next((_described(number, char) for number, char in wrong), "")


def _described(number: int, char: str) -> str:
    import unicodedata

    name = _CHARACTERS.get(char) or unicodedata.name(char, "one that cannot be seen").lower()
    return f"character {number} is {name} (U+{ord(char):04X})"
