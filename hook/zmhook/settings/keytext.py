"""What is wrong with the text of a key, a token or a password, told without showing it.

Keys are copied from web pages, mails and chats, which turn hyphens into dashes and quotes into
others, and leave characters behind that nobody sees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = {
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
_NO_KEY_HAS = frozenset(" \"'`")


def flaw_of_key(text: str) -> str:
    """Return what no key or token may hold, such as `character 3 is an en dash (U+2013)`.

    Keys are visible ASCII without quotes. Nothing is returned for one that may be right.
    """
    return _first(text, lambda one: not "!" <= one <= "~" or one in _NO_KEY_HAS)


def flaw_of_password(text: str) -> str:
    """Return what is probably not meant in a password: what cannot be seen. Blanks can be meant."""
    return _first(text, lambda one: one != " " and not one.isprintable())


def _first(text: str, is_wrong: Callable[[str], bool]) -> str:
    if text.isascii() and text.isalnum():
        return ""
    return next((_told(i, one) for i, one in enumerate(text, 1) if is_wrong(one)), "")


def _told(number: int, one: str) -> str:
    return f"character {number} is {_NAMES.get(one) or _name(one)} (U+{ord(one):04X})"


def _name(one: str) -> str:
    import unicodedata

    return unicodedata.name(one, "one that cannot be seen").lower()
