"""What a setting allows, in words: for the messages and for the reference page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.settings import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.settings.keys import Key

_FORMS = {
    "key": "a secret, best given as !TOKEN",
    "pattern": "a regular expression",
    "frames": (
        "snapshot, alarm, bestmatch, all, a frame's number (1 or more), a place in the event "
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
    "variables": "variables such as HTTPS_PROXY=http://proxy.lan:3128, between commas",
}
_KINDS: dict[Any, str] = {
    bool: "yes or no",
    str: "text",
    values.Secret: "a secret, best given as !TOKEN",
    values.Extent: "an area, such as 5% or 300px",
    values.Extent | None: "an area, such as 5% or 300px, or no",
    tuple[int, int] | None: "a width and a height, such as (1920,1080), or no",
    values.Colour: "three numbers from 0 to 255 (blue, green, red), such as (255,255,255)",
}
_NUMBERS: dict[Any, tuple[str, str]] = {
    int: ("a whole number", ""),
    float: ("a number", ""),
    int | None: ("a whole number of pixels", ", or no"),
    tuple[int, int]: ("two whole numbers, each", ", such as (8,8)"),
}


def allowed(key: Key) -> str:
    """Return words that fit after "expected"."""
    if key.form:
        return _FORMS[key.form]
    if key.kind in _NUMBERS:
        before, after = _NUMBERS[key.kind]
        return f"{before}{_limits(key)}{after}"
    if key.kind in _KINDS:
        return _KINDS[key.kind]
    if key.choices:
        one = ", ".join(key.choices)
        return f"one or more of {one}, between commas" if key.is_list else f"one of {one}"
    return "one or more words between commas"


def _limits(key: Key) -> str:
    least, above, most = (_limit(key, name) for name in ("ge", "gt", "le"))
    if least and most:
        return f" from {least} to {most}"
    if above and most:
        return f" above {above}, at most {most}"
    return f" of {least} or more" if least else ""


def _limit(key: Key, name: str) -> str:
    found = [getattr(meta, name) for meta in key.metas if getattr(meta, name) is not None]
    return f"{found[0]:.10g}" if found else ""


def written(key: Key, value: Any) -> str:
    """Return a value as it would be written in a configuration file."""
    if key.is_secret or value == "":
        return ""
    if value is None or value is False:
        return "no"
    if value is True:
        return "yes"
    write: Callable[[Any], str] | None = _WRITERS.get(key.kind)
    if write:
        return write(value)
    between = "; " if key.form in ("times", "patterns") else ","
    return between.join(value) if key.is_list else f"{value}"


_WRITERS: dict[Any, Callable[[Any], str]] = {
    float: lambda value: f"{value:g}",
    tuple[int, int]: lambda value: f"({value[0]},{value[1]})",
    tuple[tuple[str, ...], ...]: lambda value: "; ".join(",".join(group) for group in value),
    tuple[int, int] | None: lambda value: f"({value[0]},{value[1]})",
    values.Colour: lambda value: f"({value.blue},{value.green},{value.red})",
}
