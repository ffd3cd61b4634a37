"""Repair JSON as some programs write it; text around it is left out.

A number that is none (`NaN`, `inf`, `1e999`, `.5`) becomes null, a comma too many is dropped, and
so are a byte order mark, NULs, and whatever stands before or after the first object. Nothing is
made up: what has no whole object stays unreadable. Only `closed` reads what lacks brackets at its
end, or is written as Python shows its dictionaries.
"""

from __future__ import annotations

import codecs
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_STARTS = 64
"""Places at which an object may begin; each costs a look at what follows."""
MOST_TOKENS = 2_000_000
"""Texts, numbers, commas and brackets that are looked at in all; a second or two."""
MOST_LOOSE_TOKENS = 200_000
"""Of what is cut or has other quotes."""
MOST_DEPTH = 200

_TOKEN = re.compile(
    r'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<open>")|(?P<comma>,[,\s\0]*)'
    r"|(?P<bracket>[{}\[\]])|(?P<bare>[-+.\w]+)",
    re.DOTALL,
)
# As above, and as Python writes it: 'text', b'text', True, None.
_LOOSE_TOKEN = re.compile(
    r'(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<single>[bu]?\'[^\'\\]*(?:\\.[^\'\\]*)*\')'
    r"|(?P<open>[\"'])|(?P<comma>,[,\s\0]*)|(?P<bracket>[{}\[\]])|(?P<bare>[-+.\w]+)",
    re.DOTALL,
)
_PYTHON = {"True": "true", "False": "false", "None": "null"}
_ESCAPED = re.compile(r'\\.|"', re.DOTALL)
_ESCAPES = frozenset('"\\/bfnrtu')
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
    """Yield the first object or list of a text as (nearly) plain JSON.

    With `anywhere`, the objects in it from its first on. One that does not end is the last: what is
    in it is a part of something. What it costs is bounded, whatever the text.
    """
    text = data if isinstance(data, str) else _text(data)
    starts = _BRACE.finditer(text) if anywhere else filter(None, [_FIRST.match(text)])
    left = MOST_TOKENS
    for start in islice(starts, MOST_STARTS):
        value = _value(text, start.end() - 1, left, _TOKEN)
        if value.end == OPEN:
            return
        if value.end == WHOLE:
            yield value.text
        left -= value.used


class Closed(NamedTuple):
    """The start of a text as plain JSON; `cut` if brackets were missing at its end."""

    text: str
    cut: bool


def closed(data: bytes | str) -> Closed | None:
    """Return the start of a text, with either sort of quotes, and missing brackets added.

    A number that stands last may have lost digits: it is null. None for what is something else, and
    `text` is "" for what ends within a text.
    """
    text = data if isinstance(data, str) else _text(data)
    start = _FIRST.match(text)
    if start is None:
        return None
    value = _value(text, start.end() - 1, MOST_LOOSE_TOKENS, _LOOSE_TOKEN)
    if value.end == WHOLE:
        return Closed(value.text, cut=False)
    return None if value.end == ODD else Closed(value.text, cut=True)


_FIRST = re.compile(r"[\s\0]*[{\[]")
_BRACE = re.compile(r"\{")


def _text(data: bytes) -> str:
    for mark, coding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(coding, "replace")
    return data.decode("utf-8", "replace")


WHOLE, ODD, OPEN, OPEN_TEXT = "whole", "odd", "open", "open text"
"""How a value ends: it does, what is in it is no JSON, or the text ends before."""


class _Value(NamedTuple):
    """A value as JSON, "" for what is none; the tokens that it took, and how it ends."""

    text: str
    used: int
    end: str


def _value(text: str, start: int, most: int, tokens: re.Pattern[str]) -> _Value:
    """Return the value that begins at `start`; brackets that it lacks are put at its end."""
    parts: list[str] = []
    missing: list[str] = []
    done, used = start, 0
    for token in islice(tokens.finditer(text, start), most):
        used += 1
        between = text[done : token.start()]
        if between.strip(_PUNCTUATION):
            return _Value("", used, ODD)  # something that JSON does not know
        if token["open"]:
            return _Value("", used, OPEN_TEXT)
        parts += [between.replace("\0", " "), _mended(token)]
        done = token.end()
        if token["bracket"]:
            if token[0] in _CLOSING:
                missing.append(_CLOSING[token[0]])
            else:
                missing.pop()
            if not missing:
                return _Value("".join(parts), used, WHOLE)
            if len(missing) > MOST_DEPTH:
                return _Value("", used, OPEN)
    if used >= most or text[done:].strip(_PUNCTUATION):
        return _Value("", used, OPEN)
    return _Value(_ended(parts, text[done:]) + "".join(reversed(missing)), used, OPEN)


_CLOSING = {"{": "}", "[": "]"}


def _ended(parts: list[str], rest: str) -> str:
    """Join the parts of a text that was cut off; the last may be incomplete."""
    if parts[-1] == ",":
        parts[-1] = ""
    if not rest and _is_number(parts[-1]):
        parts[-1] = "null"
    return "".join(parts)


_PUNCTUATION = ": \t\r\n\0"


def _mended(token: re.Match[str]) -> str:
    text = token[0]
    if token["comma"]:
        return "" if token.string[token.end() : token.end() + 1] in ("}", "]") else ","
    if token["bracket"]:
        return text
    if token["bare"]:
        text = _PYTHON.get(text, text) if token.re is _LOOSE_TOKEN else text
        return text if text in _WORDS or _is_number(text) else "null"
    text = text if token["text"] else _requoted(text)
    return _HALF.sub(_pair, _CONTROL.sub(" ", text))


def _requoted(text: str) -> str:
    """Put a text between double quotes that stands between single ones."""
    within = text[text.index("'") + 1 : -1]
    return '"' + _ESCAPED.sub(_escape, within) + '"'


def _escape(match: re.Match[str]) -> str:
    if match[0] == '"':
        return '\\"'
    return match[0] if match[0][1] in _ESCAPES else match[0][1]


def _pair(escape: re.Match[str]) -> str:
    """Keep both halves of a character; one alone is none."""
    return escape[0] if len(escape[0]) == _WHOLE_PAIR else "\\ufffd"


def _is_number(text: str) -> bool:
    if len(text) > _LARGEST or not _NUMBER.fullmatch(text):
        return False
    return abs(float(text)) != float("inf")
