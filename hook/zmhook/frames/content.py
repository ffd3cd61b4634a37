"""What bytes are, told by the bytes and not by what somebody calls them."""

from __future__ import annotations

import html
import re

from zmhook.printable import one_line
from zmhook.untrusted import Unreadable, decoded

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_SHOWN = 60
_LOOKED_AT = 4096
_LONGEST_MESSAGE = 1 << 20


def describe(data: bytes) -> str:
    """Say in a few words what these bytes are, which should have been a picture."""
    head = data[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not data:
        return "nothing (0 bytes)"
    if head[:1] == b"<":
        return _page(data)
    if head[:1] in (b"{", b"["):
        return _json(data)
    return _text(head) or f"{len(data)} bytes of an unknown format"


def is_page(data: bytes) -> bool:
    """Tell whether this is HTML (or XML)."""
    return data[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def title(data: bytes) -> str:
    """Return an HTML page's title, or nothing; it stands at the beginning."""
    head = data[:_LOOKED_AT]
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
    for place in (answer.get("data"), answer) if isinstance(answer, dict) else ():
        if isinstance(place, dict) and isinstance(place.get("message"), str):
            return quoted(place["message"].encode("utf-8", "replace"))
    return ""


def quoted(data: bytes) -> str:
    """Return the beginning of a text as plain characters on one line."""
    return one_line(html.unescape(data[:_LOOKED_AT].decode("utf-8", "replace")), _SHOWN)


def _page(data: bytes) -> str:
    found = title(data)
    return f"an HTML page titled '{found}'" if found else "an HTML page without a title"


def _json(data: bytes) -> str:
    found = message(data)
    return f"JSON saying '{found}'" if found else f"JSON: {quoted(data)}"


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
