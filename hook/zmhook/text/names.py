"""Normalise the names of files and people.

A file's name is bytes, not always UTF-8 (an old share), and goes through JSON and logs as text. A
letter with an accent is one character or two (files copied from a Mac), and looks the same.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


# A byte that is no UTF-8 stands as a character that Unicode leaves for private use, and that no
# name has: what JSON and UTF-8 can carry, and what turns into the same byte again.
_FIRST = 0xF700
_TO_TEXT = {0xDC00 + byte: chr(_FIRST + byte) for byte in range(0x80, 0x100)}
_TO_NAME = {_FIRST + byte: chr(0xDC00 + byte) for byte in range(0x80, 0x100)}


def spelled(name: str) -> str:
    """Return a file's name as text that can be sent and stored."""
    return name.translate(_TO_TEXT)


def on_disk(text: str) -> str:
    """Return the file's name of a text from `spelled`."""
    return text if text.isascii() else text.translate(_TO_NAME)


def composed(text: str) -> str:
    """Return a name with each accented letter as one character (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return the end of a message, `; did you mean 'yolo'?`, or "" when no known word is close."""
    from difflib import get_close_matches  # slow to import, and only mistakes need it

    close = get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"; did you mean '{close[0]}'?" if close else ""
