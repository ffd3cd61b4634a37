"""JSON as some programs write it → JSON: what is odd in it is left out, and what stands around it.

A number that is none (`NaN`, `inf`, `1e999`, `.5`) becomes null, a comma too many is dropped, and
so are a byte order mark, NULs, and whatever stands before or after the first object. Nothing is
made up: what has no whole object stays unreadable.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_STARTS = 64
"""Places at which an object may begin; each costs a look at what follows."""
MOST_TOKENS = 2_000_000
"""Texts, numbers, commas and brackets that are looked at in all; a second or two."""
MOST_DEPTH = 200

_TOKEN = re.compile(
    r'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<open>")|(?P<comma>,[,\s\0]*)'
    r"|(?P<bracket>[{}\[\]])|(?P<bare>[-+.\w]+)",
    re.DOTALL,
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LARGEST = 300
"""Characters of a number that are believed."""
_WORDS = frozenset({"true", "false", "null"})
_CONTROL = re.compile(r"[\x00-\x1f]")
_HALF = re.compile(r"(?i)\\ud[89ab][0-9a-f]{2}(?:\\ud[c-f][0-9a-f]{2})?|\\ud[c-f][0-9a-f]{2}")
_WHOLE_PAIR = 12
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def readings(data: bytes | str, *, anywhere: bool = False) -> Iterator[str]:
    """Give what a text begins with, as plain JSON for the most part: an object or a list.

    With `anywhere`, the objects in it from its first on. One that does not end is the last: what is
    in it is a part of something. What it costs is bounded, whatever the text.
    """
    text = data if isinstance(data, str) else _text(data)
    starts = _BRACE.finditer(text) if anywhere else filter(None, [_FIRST.match(text)])
    left = MOST_TOKENS
    for start in islice(starts, MOST_STARTS):
        found, used = _value(text, start.end() - 1, left)
        if found is None:
            return
        if found:
            yield found
        left -= used


_FIRST = re.compile(r"[\s\0]*[{\[]")
_BRACE = re.compile(r"\{")


def _text(data: bytes) -> str:
    for mark, coding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(coding, "replace")
    return data.decode("utf-8", "replace")


def _value(text: str, start: int, most: int) -> tuple[str | None, int]:
    """Return the value that begins at `start`, and the tokens that it took.

    It is "" when it is no JSON, and None when it does not end.
    """
    parts: list[str] = []
    depth, done, used = 0, start, 0
    for token in islice(_TOKEN.finditer(text, start), most):
        used += 1
        between = text[done : token.start()]
        if token["open"] or between.strip(_PUNCTUATION):
            return "", used  # something that JSON does not know
        parts += [between.replace("\0", " "), _mended(token)]
        done = token.end()
        if token["bracket"]:
            depth += 1 if token["bracket"] in "{[" else -1
            if depth <= 0:
                return "".join(parts), used
            if depth > MOST_DEPTH:
                break
    return None, used


_PUNCTUATION = ": \t\r\n\0"


def _mended(token: re.Match[str]) -> str:
    text = token[0]
    if token["comma"]:
        return "" if token.string[token.end() : token.end() + 1] in ("}", "]") else ","
    if token["text"]:
        return _HALF.sub(_pair, _CONTROL.sub(" ", text))
    if token["bare"] and text not in _WORDS:
        return text if _is_number(text) else "null"
    return text


def _pair(escape: re.Match[str]) -> str:
    """Keep both halves of a character; one alone is none."""
    return escape[0] if len(escape[0]) == _WHOLE_PAIR else "\\ufffd"


def _is_number(text: str) -> bool:
    if len(text) > _LARGEST or not _NUMBER.fullmatch(text):
        return False
    return abs(float(text)) != float("inf")
