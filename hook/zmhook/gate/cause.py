"""Which zones an event's cause names.

ZoneMinder puts the names of the zones behind the word: `Motion:Drive,Front door` (the cause since
1.37), `Motion: Drive, Front door` (the notes), `Motion Drive` (before). A name may hold commas, and
what is a name of its own, so that a cause cannot be taken apart without knowing the names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zmhook.text.names import composed

if TYPE_CHECKING:
    from collections.abc import Iterable

# Notes about several things follow each other without a blank: `Linked: GateMotion: Drive`.
_MOTION = re.compile(r"Motion:|(?i:\bmotion\b)\s*:?")
_SIGNAL = re.compile(r"Signal: ?\w*$")
_COMMA = re.compile(r"\s*,\s*")

CUT_AT = 255
"""Bytes of a cause in ZoneMinder's shared memory, where the notification server reads it."""
LONGEST = 64
"""Characters of a zone's name."""
_TAKEN = "\0"


def plain(name: str) -> str:
    """Return a zone's name as it is compared: without case, and however its letters were typed."""
    return composed(composed(name).casefold()).strip()


def triggered(cause: str, names: Iterable[str]) -> set[str]:
    """Return those of the names that a cause names, the longest first.

    An event's notes are its cause too, with what was detected before it. What is found is taken
    out, so that a name which is part of a longer one is found only where it stands by itself.
    """
    forms: dict[str, list[str]] = {}
    for name in names:
        forms.setdefault(_form(name), []).append(name)
    forms.pop("", None)
    behind = _SIGNAL.sub("", _MOTION.split(cause, maxsplit=1)[-1])
    is_cut = len(cause.encode("utf-8", "surrogateescape")) >= CUT_AT
    found = _named(behind, forms, is_cut=is_cut) or _named(cause, forms, is_cut=False)
    return {name for form in found for name in _meant(cause, forms[form])}


def _named(text: str, forms: Iterable[str], *, is_cut: bool) -> set[str]:
    left, found = f",{_form(text)},", set()
    for form in sorted(forms, key=len, reverse=True):
        piece = f",{form},"
        while piece in left:
            left = left.replace(piece, f",{_TAKEN},")
            found.add(form)
    return found | (_begun(left[:-1], forms) if is_cut else set())


def _begun(text: str, forms: Iterable[str]) -> set[str]:
    """Return the names of which a text that was cut off ends with the beginning."""
    pieces = text.rpartition(_TAKEN)[2][-LONGEST:].split(",")
    for at in range(1, len(pieces)):
        begin = ",".join(pieces[at:])
        found = {form for form in forms if begin and form.startswith(begin)}
        if found:
            return found
    return set()


def _form(text: str) -> str:
    return _COMMA.sub(",", " ".join(plain(text).split()))


def _meant(cause: str, names: list[str]) -> list[str]:
    """Return the names that differ in case alone, or the one that the cause writes just so."""
    return [name for name in names if name in cause] or names
