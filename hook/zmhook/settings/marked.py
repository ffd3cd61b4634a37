"""Values that begin as a comment does: what to write instead.

A value such as `#` would be a comment and the key empty, which is the default: for a topic, one
that was never asked for. Whether a comment was meant cannot be told, so neither is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.errors import Problem
from zmhook.settings.keys import find, topic_keys

if TYPE_CHECKING:
    from zmhook.settings.inifile import Marked
    from zmhook.settings.keys import Key

_TOPICS = ("topic", "topics")
_PATTERNS = ("pattern", "patterns")
_QUOTED = ("labels",)


def problem(path: str, marked: Marked) -> Problem:
    """Return what is to be told; the value is not in it, since it may be a password."""
    sign = marked.text[0]
    is_topic = marked.section.startswith("mqtt-topic") and marked.key in topic_keys()
    key = topic_keys()[marked.key] if is_topic else find(marked.key)
    meant = f"{sign} begins a comment, so the value is not read: {_instead(key, sign)}"
    text = f"{meant}; a comment stands on a line of its own"
    return Problem(path, marked.section, marked.key, text)


def _instead(key: Key | None, sign: str) -> str:
    if key is None:
        return "write it without"
    if key.form in _TOPICS and sign == "#":
        return "for all topics write '#' in quotes, or +/#"
    if key.form in _TOPICS or key.form in _QUOTED:
        return "write it in quotes"
    if key.form in _PATTERNS:
        return f"write [{sign}] for that character"
    if key.is_secret or key.kind is str:
        return "write !TOKEN, and the value behind that name in the secrets file"
    from zmhook.settings.hints import allowed

    return f"expected {allowed(key)}"
