"""Make text from outside printable: on one line, without control characters.

Names, messages and answers are written by cameras, web servers, models and folders. Whatever is
shown of them (in logs, on terminals, in error messages, in the detection string) goes through here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 200
"""Characters that `one_line` leaves, unless it is told how many."""

MORE = "…"
"""Stands at the end of what was shortened."""

REPLACEMENT = "\ufffd"
"""Stands for a byte that was no UTF-8, such as in an old folder's name."""

_UNUSED = 4
"""So many times of what is kept is read: blanks and control characters make one blank."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return the text at the same length, with blanks for unprintable characters.

    That are control characters (newlines, escapes), the separators U+2028 and U+2029, marks that
    turn the direction of writing, other invisible characters, and unassigned ones. Half a
    surrogate pair, which no file or terminal takes, becomes U+FFFD.
    """
    if text.isprintable():
        return text
    text = _SURROGATE.sub(REPLACEMENT, text)
    return "".join(char if char.isprintable() else " " for char in text)


def one_line(text: object, longest: int = LONGEST, more: str = MORE) -> str:
    """Return the text as plain words on one line, in at most `longest` characters.

    Blanks at both ends are taken off, and several become one. `more` ends what was shortened. No
    more is read of a text than is needed, however long it is.
    """
    whole = str(text)
    head = whole[: _UNUSED * (longest + 1)]
    line = " ".join(printable(head).split())
    if len(line) <= longest and len(head) == len(whole):
        return line
    return f"{line[: longest - len(more)].rstrip()}{more}"


def lines(text: str, longest: int) -> Iterator[str]:
    r"""Yield the lines between `\n`, each printable and in at most `longest` characters."""
    for line in text.split("\n"):
        yield shortened(printable(line[: longest + 1].rstrip("\r")), longest)


def shortened(text: str, longest: int) -> str:
    """Return at most `longest` characters of the text."""
    return text if len(text) <= longest else f"{text[: longest - len(MORE)]}{MORE}"


def plain_json(data: bytes) -> str:
    """Return JSON as text, with unprintable characters escaped.

    Newlines that lay it out stay. Encoders escape C0 only, and a reader of lines or a terminal
    obeys more.
    """
    text = data.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
