"""Explain what a setting allows, and how to write a value that was cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import inspect
from msgspec.structs import astuple

from zmhook.errors import Problem
from zmhook.settings.keys import find, topic_keys
from zmhook.settings.section import Colour, Extent, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.settings.inifile import Marked
    from zmhook.settings.keys import Key

_FORMS = {
    "key": "a secret, best given as !TOKEN",
    "pattern": "a regular expression",
    "frames": (
        "snapshot, alarm, bestmatch, all, a frame's number (1 or more), a position in the event "
        "(20%), or a list of them"
    ),
    "address": "an address such as https://zm.example.org/zm",
    "labels": "one or more labels between commas",
    "handlers": "names of handlers or module:Class, between commas",
    "topic": "an MQTT topic, such as axis/front/track or axis/+/track",
    "topics": "one or more MQTT topics between commas",
    "addresses": "addresses such as http://gpu.lan:5000, between commas",
    "hosts": "hosts such as zm.example.org or zm.lan:8080, between commas",
    "networks": "addresses or networks such as 10.0.0.5 or 10.0.0.0/24, between commas",
    "names": "names with a model each, such as YOLOv11 ONNX=yolo, between commas",
    "patterns": "regular expressions between semicolons",
    "json": "a JSON object",
    "groups": "groups of labels, such as car,truck; dog,cat",
    "times": "times in cron's form between semicolons, such as * 22-23,0-5 * * *",
    "zone": "the name of a time zone, such as Europe/Berlin",
    "size": "a width and a height, such as (1920,1080), or no",
    "variables": "variables such as HTTPS_PROXY=http://proxy.lan:3128, between commas",
}
_CLASSES: dict[type, str] = {
    Secret: "a secret, best given as !TOKEN",
    Extent: "an area, such as 5% or 300px",
    Colour: "three numbers from 0 to 255 (blue, green, red), such as (255,255,255)",
}
_LOGINS = {
    "portal": "basic_user and basic_password",
    "api_portal": "basic_user and basic_password",
    "ml_gateway": "ml_user and ml_password",
    "alpr_url": "alpr_key",
    "gemini_url": "gemini_key",
}
"""The keys for what must not be in an address."""
_TOPICS = ("topic", "topics")
_PATTERNS = ("pattern", "patterns")
_QUOTED = ("labels",)


def where_login_belongs(key: Key) -> str:
    """Return words that follow "without a user or password in it"."""
    keys = _LOGINS.get(key.name)
    return f": set {keys} instead" if keys else ""


def allowed(key: Key) -> str:
    """Return words that follow "expected"."""
    if key.choices:
        words = ", ".join(key.choices)
        return f"one or more of {words}, between commas" if key.is_list else f"one of {words}"
    return _FORMS.get(key.form) or _words(inspect.type_info(key.type))


def _words(info: Any) -> str:
    write = _TYPES.get(type(info))
    return write(info) if write else "text"


_TYPES: dict[type, Callable[[Any], str]] = {
    inspect.Metadata: lambda info: _words(info.type),
    inspect.UnionType: lambda info: f"{_words(info.types[0])}, or no",
    inspect.BoolType: lambda _: "yes or no",
    inspect.IntType: lambda info: f"a whole number{_limits(info)}",
    inspect.FloatType: lambda info: f"a number{_limits(info)}",
    inspect.VarTupleType: lambda _: "one or more words between commas",
    inspect.TupleType: lambda info: (
        f"two whole numbers, each{_limits(info.item_types[0])}, such as (8,8)"
    ),
    inspect.CustomType: lambda info: _CLASSES[info.cls],
    inspect.StructType: lambda info: _CLASSES[info.cls],
}


def _limits(info: Any) -> str:
    least, above, most = (_limit(limit) for limit in (info.ge, info.gt, info.le))
    if least and most:
        return f" from {least} to {most}"
    if above and most:
        return f" above {above}, at most {most}"
    return f" of {least} or more" if least else ""


def _limit(limit: float | None) -> str:
    return "" if limit is None else f"{limit:.10g}"


def written(key: Key, value: Any) -> str:
    """Return a value as it would be written in a configuration file."""
    if key.is_secret:
        return ""
    if value is None or isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Colour):
        value = astuple(value)
    return _written_tuple(key, value) if isinstance(value, tuple) else f"{value}"


def _written_tuple(key: Key, value: tuple[Any, ...]) -> str:
    if key.is_numbers:
        return f"({','.join(map(str, value))})"
    if key.form == "groups":
        return "; ".join(",".join(group) for group in value)
    return ("; " if key.form in ("times", "patterns") else ",").join(value)


def cut_off(path: str, marked: Marked) -> Problem:
    """Return the problem of a value that starts like a comment, such as the topic `#`.

    It would be read as empty, which is the default. Whether a comment was meant cannot be known,
    so neither is taken. The value is not in the message, since it may be a password.
    """
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
    return f"expected {allowed(key)}"
