"""Mask secrets in text, also in encoded forms.

A server that repeats what it was sent does so in a form of its own: percent-encoded in an address,
escaped in JSON or HTML, in Base64 as in an Authorization header.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "***"
SHORTEST = 4
"""Characters of a secret; what is shorter stands in too many words."""
MOST_REMEMBERED = 256
"""Secrets whose other forms are remembered."""

HIDDEN = "the value (not shown, it may be a secret)"
_WORD = re.compile(r"[^\s,;]{8,}")
_MIXED = re.compile(r"(?=.*[0-9]).*[^\W\d_]|.*[!@$^&~`]|\w{20}")
"""Letters with digits, signs that are in no word, number, address or list, or very long."""
_SIGNS = re.compile(r"%[0-9a-f]{2}|&[#a-z]|\\\S", re.IGNORECASE)
"""One of these is in every form but Base64, and but for how a blank is shown."""
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")
_ASCII, _LATIN, _ONE_UNIT = 0x80, 0x100, 0xFFFF
_ESCAPE = r"\\{1,4}"

_of_process: list[Callable[[], Iterable[str]]] = []
"""Gives the secrets of the settings that this process read last."""


def know(secrets: Callable[[], Iterable[str]]) -> None:
    """Have `of_process` mask these secrets from now on, and no others."""
    _of_process[:] = [secrets]


def of_process(text: str) -> str:
    """Mask the secrets of the settings that this process read last."""
    return long_ones_masked(text, *(secrets() for secrets in _of_process))


def long_ones_masked(text: str, *groups: Iterable[str]) -> str:
    """Mask secrets in a text, but for very short ones."""
    secrets = dict.fromkeys(secret for group in groups for secret in group)
    return masked(text, (secret for secret in secrets if len(secret) >= SHORTEST))


def may_be_secret(text: str) -> bool:
    """Say whether a value that makes no sense may be a key, token or password in the wrong place.

    That is a word of 8 characters or more that mixes letters and digits, has a sign as passwords
    have it, or is very long.
    """
    return any(map(_MIXED.match, _WORD.findall(text)))


def quoted(text: str) -> str:
    """Return a value in quotes for a message, unless it may be a secret."""
    return HIDDEN if may_be_secret(text) else f"'{text}'"


def masked(text: str, secrets: Iterable[str]) -> str:
    """Mask secrets in a text, in whatever form they are there."""
    longest_first = sorted({*filter(None, secrets)}, key=len, reverse=True)
    for secret in longest_first:
        if len(secret) >= SHORTEST:
            text = _without_other_forms(text, secret)
        text = text.replace(secret, MASK)
    return text


def _without_other_forms(text: str, secret: str) -> str:
    words = secret.split()
    if _SIGNS.search(text) or (len(words) > 1 and words[0] in text):
        text = _escaped(secret).sub(MASK, text)
    for part in _in_base64(secret):
        while (at := text.find(part)) >= 0:
            text = _without_word(text, at, at + len(part))
    return text


def _without_word(text: str, start: int, end: int) -> str:
    """Mask a secret, and the whole Base64 word around it."""
    while start and text[start - 1] in _BASE64:
        start -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    return f"{text[:start]}{MASK}{text[end:]}"


@lru_cache(MOST_REMEMBERED)
def _in_base64(secret: str) -> tuple[str, ...]:
    """Return what of a secret's Base64 does not depend on what stands before and after it."""
    data = secret.encode("utf-8", "surrogateescape")
    parts = []
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data).decode()
        parts.append(whole[-(-before * 8 // 6) : (before + len(data)) * 8 // 6])
    forms = (form for part in parts for form in (part, part.translate({43: "-", 47: "_"})))
    return tuple(dict.fromkeys(form for form in forms if len(form) >= SHORTEST))


@lru_cache(MOST_REMEMBERED)
def _escaped(secret: str) -> re.Pattern[str]:
    """Return a pattern for a secret each of whose characters may be escaped in its own way."""
    # Text matches in one way only: what could match in several takes time without end to refuse.
    pattern, escape = "", _ESCAPE
    for is_blank, run in groupby(secret, str.isspace):
        if is_blank:  # blanks are often shown as one
            pattern += rf"(?:\s|\+|{_code(' ', escape)}){{1,{len([*run])}}}"
            escape = _ESCAPE
            continue
        for char, same in groupby(run):
            count = len([*same])
            if char == "\\":  # escaped it is two, and may be escaped once more
                pattern += rf"(?:\\|{_code(char)}){{{count},{4 * count + 4}}}(?!\\)"
                escape = ""  # which has the next one's too
                continue
            pattern += _character(char, escape) + _character(char, _ESCAPE) * (count - 1)
            escape = _ESCAPE
    return re.compile(pattern)


def _character(char: str, escape: str) -> str:
    before = r"\\{0,4}" if escape and char in "\"'/" else ""
    return f"(?:{_code(char, escape)}|{before}{re.escape(char)})"


def _code(char: str, escape: str | None = None) -> str:
    """Return a pattern for a character in URLs, in HTML, and in JSON or Python's own way.

    `escape` matches the backslashes before its code; None: there is no such form.
    """
    number, data = ord(char), char.encode("utf-8", "surrogateescape")
    codes = [data] if number < _ASCII or number >= _LATIN else [data, bytes([number])]
    forms = ["".join(f"%(?:25)*{byte:02x}" for byte in code) for code in codes]
    forms.append(f"&(?:amp;)*#(?:0*{number}|x0*{number:x});")
    if name := _names().get(number):
        forms.append(f"&(?:amp;)*{name};")
    if escape is not None:
        forms += [escape + _ESCAPE.join(f"x{byte:02x}" for byte in code) for code in codes]
        forms.append(f"{escape}u0*{number:x}")
        if number > _ONE_UNIT:
            units = char.encode("utf-16-be", "surrogatepass")
            forms.append(f"{escape}u{units[:2].hex()}{_ESCAPE}u{units[2:].hex()}")
    return f"(?i:{'|'.join(forms)})"


@lru_cache(1)
def _names() -> dict[int, str]:
    from html.entities import codepoint2name

    return {**codepoint2name, 39: "apos"}
