"""Sniff what bytes are that should have been a picture, or an API's answer."""

from __future__ import annotations

import html
import re

from zmhook.printable import one_line
from zmhook.text.bounded_json import Unreadable, decoded

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SHOWN = 60
_KINDS = (
    rb"(?:Warning|Notice|Deprecated|Strict Standards"
    rb"|(?:Recoverable |Catchable )?(?:Fatal|Parse) error)"
)
# As PHP writes them: in HTML, or with html_errors = Off as plain text.
_WARNING = re.compile(
    rb"\s*(?:<br ?/>\s*)?(?:<b>)?(?:PHP )?" + _KINDS + rb"(?:</b>)?:\s[^\n]*? on line "
    rb"(?:<b>)?[0-9]+(?:</b>)?(?:<br ?/>)?[ \r]*\n?"
)
_FAULT = re.compile(_KINDS + rb"(?:</b>)?:\s[^\n]*")
_TAG = re.compile(rb"<[^<>]*>")
_MOST_WARNINGS = 200
_LONGEST_WARNING = 4096
_HEAD_BYTES = 4096
_LONGEST_MESSAGE = 1 << 20


def describe(data: bytes) -> str:
    """Describe in a few words bytes that should have been a picture."""
    head = data[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not data:
        return "nothing (0 bytes)"
    if head[:1] == b"<":
        return _page(data)
    if head[:1] in (b"{", b"["):
        return _json(data)
    return _text(head) or f"{len(data)} bytes of an unknown format"


def kind(data: bytes) -> str:
    """Describe bytes as `describe` does, without quoting them."""
    head = data[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if is_page(data):
        return f"{len(data)} bytes of HTML"
    is_text = head[:1] in (b"{", b"[") or bool(_text(head))
    return f"{len(data)} bytes of {'text' if is_text else 'an unknown format'}"


def is_page(data: bytes) -> bool:
    """Return whether this is HTML (or XML)."""
    return data[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def without_warnings(data: bytes) -> bytes:
    """Remove the warnings that PHP shows before the answer (display_errors = On).

    A page is left as it is, for its words may say more.
    """
    rest = data
    for _ in range(_MOST_WARNINGS):
        match = _WARNING.match(rest, 0, _LONGEST_WARNING)
        if match is None:
            break
        rest = rest[match.end() :]
    return rest if rest is not data and rest and not is_page(rest) else data


def warning(data: bytes) -> str:
    """Return the beginning of PHP's first warning or error in an answer, or nothing."""
    match = _FAULT.search(data[:_HEAD_BYTES])
    return quoted(_TAG.sub(b"", match[0])) if match else ""


def title(data: bytes) -> str:
    """Return an HTML page's title, or nothing; it stands at the beginning."""
    head = data[:_HEAD_BYTES]
    opened = head.lower().find(b"<title")
    begin = head.find(b">", opened) + 1 if opened >= 0 else 0
    if not begin:
        return ""
    end = head.lower().find(b"</title", begin)
    return quoted(head[begin:end] if end >= 0 else head[begin:])


def message(data: bytes) -> str:
    """Return what ZoneMinder's API says in its JSON, or nothing."""
    if len(data) > _LONGEST_MESSAGE:
        return ""
    try:
        answer = decoded(data)
    except Unreadable:
        return ""
    for part in (answer.get("data"), answer) if isinstance(answer, dict) else ():
        if isinstance(part, dict) and isinstance(part.get("message"), str):
            return quoted(part["message"].encode("utf-8", "replace"))
    return ""


def quoted(data: bytes) -> str:
    """Return the beginning of a text as plain characters on one line."""
    return one_line(html.unescape(data[:_HEAD_BYTES].decode("utf-8", "replace")), _SHOWN)


def _page(data: bytes) -> str:
    name = title(data)
    if not name and (problem := warning(data)):
        return f"a page in which PHP says '{problem}'"
    return f"an HTML page titled '{name}'" if name else "an HTML page without a title"


def _json(data: bytes) -> str:
    text = message(data)
    return f"JSON saying '{text}'" if text else f"JSON: {quoted(data)}"


def _text(head: bytes) -> str:
    """Return "" when this is not UTF-8 text; its last character may be cut."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return ""
        text = head[: error.start].decode()
    is_readable = not _CONTROL.search(text) and bool(text.strip())
    return f"text: '{quoted(head)}'" if is_readable else ""
