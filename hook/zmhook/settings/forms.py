"""Read the text of a setting into plain data, of which msgspec makes the typed value.

Each form that a setting can have has one reader here. It raises `ValueError`, or `InvalidValue`
where it knows more than what was expected (`allowed.py` has the words for that). What msgspec can
check, such as limits, choices and lengths, is no reader's business.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from zmhook.settings.section import FARTHEST, Colour, Extent, Secret, Zone
from zmhook.text.names import composed
from zmhook.text.patterns import WrongPattern, check
from zmhook.text.redact import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

YES = frozenset({"yes", "true", "on", "1"})
NO = frozenset({"no", "false", "off", "0"})

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_WORD = re.compile(r"[\w.-]+%?")
_FRAME = re.compile(r"snapshot|alarm|bestmatch|all|0*[1-9][0-9]{0,8}|(100|[0-9]{1,2})%")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|[{}]")
LONGEST_TOPIC = 65_535  # bytes, as MQTT has it
_HANDLER = re.compile(r"[\w-]+|[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_ADDRESS = re.compile(r"(https?://[^/\s?#@]+)(/[^\s?#]*)?", re.IGNORECASE)
_HOST = re.compile(r"[\w.-]+(:[0-9]{1,5})?|\[[0-9a-f:]+\](:[0-9]{1,5})?")
_USER_IN_ADDRESS = re.compile(r"\w+://[^/]*@")
_COORDINATES = re.compile(r"[-+.0-9%\s]+,[-+.,0-9%\s]+")
_EXTENT = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)\s*(%|px|)", re.IGNORECASE)
TRIANGLE = 3


class InvalidValue(ValueError):
    """The value cannot be read; `str()` is a detail that helps."""


class LoginInAddress(InvalidValue):
    """An address has a user or a password in it, which is not shown."""


def read_bool(text: str) -> bool:
    word = text.lower()
    if word not in YES | NO:
        raise ValueError
    return word in YES


def read_int(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError
    return int(text)


def read_float(text: str) -> float:
    if not _NUMBER.fullmatch(text) or math.isinf(float(text)):
        raise ValueError
    return float(text)


def read_words(text: str) -> tuple[str, ...]:
    """Read a list of words between commas; brackets and quotes of older files are allowed.

    Words are lower-case afterwards, and each is there once.
    """
    words = [word.strip(" \t\n'\"").lower() for word in composed(text).strip("[]() \n").split(",")]
    if not all(_WORD.fullmatch(word) for word in words if word):
        raise ValueError
    return tuple(dict.fromkeys(word for word in words if word))


def read_frames(text: str) -> tuple[str, ...]:
    frames = read_words(text)
    if not all(_FRAME.fullmatch(frame) for frame in frames):
        raise ValueError
    return tuple(dict.fromkeys(frame.lstrip("0") for frame in frames))


def read_labels(text: str) -> tuple[str, ...]:
    """Read a list of labels between commas, which may have spaces; lower-case afterwards."""
    labels = [" ".join(part.strip(" \t\n'\"").lower().split()) for part in _parts(composed(text))]
    if not all(label.isprintable() for label in labels):
        raise ValueError
    return tuple(dict.fromkeys(label for label in labels if label))


def read_handlers(text: str) -> tuple[str, ...]:
    handlers = [part.strip() for part in _parts(text)]
    if not all(_HANDLER.fullmatch(handler) for handler in handlers if handler):
        raise ValueError
    return tuple(dict.fromkeys(handler for handler in handlers if handler))


def read_topic(text: str) -> str:
    """Read an MQTT topic filter (MQTT 5.0, section 4.7), in which {monitor}, {camera} may stand."""
    text = _unquoted(text)
    levels = text.split("/")
    if "#" in "".join(levels[:-1]) or any(
        ("#" in level and level != "#") or ("+" in level and level != "+") for level in levels
    ):
        raise InvalidValue("+ and # stand for a whole part between slashes, # for the last one")
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in ("{monitor}", "{camera}") or text.count(placeholder) > 1:
            raise InvalidValue(
                f"{placeholder}: only {{monitor}} and {{camera}} may stand there, each once"
            )
    if not text or "\0" in text or len(text.encode()) > LONGEST_TOPIC:
        raise ValueError
    return text


def read_topics(text: str) -> tuple[str, ...]:
    topics = [part.strip() for part in _parts(text)]
    return tuple(dict.fromkeys(read_topic(topic) for topic in topics if topic))


def _unquoted(text: str) -> str:
    """Strip the quotes that keep a # from starting a comment."""
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if is_quoted else text


def _parts(text: str) -> list[str]:
    return text.replace("\n", ",").split(",")


def read_numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers between commas, such as (8,8)."""
    return tuple(read_int(part.strip()) for part in text.strip("()[] ").split(","))


def read_size(text: str) -> tuple[int, ...] | None:
    """Read (1920,1080) or 1920x1080, or `no` for none."""
    return None if text.lower() in NO else read_numbers(text.lower().replace("x", ","))


def read_pattern(text: str) -> str:
    try:
        return check(text)
    except WrongPattern as error:
        raise InvalidValue(str(error)) from None


def read_address(text: str) -> str:
    """Read an http or https address, without a slash at its end."""
    if _USER_IN_ADDRESS.match(text):
        raise LoginInAddress("without a user or password in it")
    if not _ADDRESS.fullmatch(text):
        raise ValueError
    return text.rstrip("/")


def read_addresses(text: str) -> tuple[str, ...]:
    """Read addresses between commas or spaces."""
    return tuple(dict.fromkeys(read_address(part) for part in text.replace(",", " ").split()))


def read_hosts(text: str) -> tuple[str, ...]:
    hosts = [part.strip().lower() for part in _parts(text)]
    if not all(_HOST.fullmatch(host) for host in hosts if host):
        raise ValueError
    return tuple(dict.fromkeys(host for host in hosts if host))


def read_networks(text: str) -> tuple[str, ...]:
    import ipaddress

    parts = [part.strip() for part in _parts(text)]
    return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts if part)


def read_names(text: str) -> tuple[str, ...]:
    """Read pairs `name=model`; raises `InvalidValue` for a name with two models."""
    models: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in _parts(text))):
        name, _, model = (side.strip(" \t\"'") for side in part.rpartition("="))
        if not (name and model and name.isprintable()):
            raise ValueError
        if models.setdefault(name.lower(), model) != model:
            raise InvalidValue(f"{name} stands for two models")
    return tuple(f"{name}={model}" for name, model in models.items())


def read_patterns(text: str) -> tuple[str, ...]:
    """Read regular expressions, semicolons between them."""
    parts = (part.strip() for part in text.replace("\n", ";").split(";"))
    return tuple(dict.fromkeys(read_pattern(part) for part in parts if part))


def read_json(text: str) -> str:
    """Read a JSON object; it stays text."""
    from zmhook.text.bounded_json import Unreadable, decoded

    try:
        value = decoded(text)
    except Unreadable as error:
        raise InvalidValue(str(error)) from None
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - as every reader
    return text


def read_polygon(name: str, text: str) -> Zone:
    """Read `x,y x,y x,y`, in pixels, or in percent: `0%,50% 100%,50% 100%,100%`."""
    percent = "%" in text
    try:
        points = [_shares(point) if percent else read_numbers(point) for point in text.split()]
        polygon = tuple((x, y) for x, y in points)
    except ValueError:
        raise InvalidValue(
            "expected a polygon in whole pixels, such as 0,0 640,0 640,480, or all in percent, "
            "such as 0%,0% 50%,0% 50%,100%"
        ) from None
    if len(set(polygon)) < TRIANGLE:
        raise InvalidValue("expected at least three different points, such as 0,0 640,0 640,480")
    if any(abs(number) > FARTHEST for point in polygon for number in point):
        raise InvalidValue(f"expected pixels; {FARTHEST} is the farthest")
    return Zone(name, polygon, percent)


def looks_like_polygon(text: str) -> bool:
    """Say whether a text is meant as a zone, right or wrong."""
    return bool(_COORDINATES.fullmatch(text))


def _shares(text: str) -> list[float]:
    parts = [part.strip() for part in text.strip("()[] ").split(",")]
    if not all(part.endswith("%") for part in parts):
        raise ValueError
    return [read_float(part[:-1].strip()) for part in parts]


def read_extent(text: str) -> tuple[float, str]:
    """Read 5%, 300px or 300, which is in pixels too."""
    extent = _EXTENT.fullmatch(text)
    if not extent:
        raise ValueError
    value, unit = float(extent[1]), extent[2].lower() or "px"
    if unit == "%" and value > 100:  # noqa: PLR2004 - percent
        raise ValueError
    return value, unit


def read_groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Read groups of labels: commas within a group, semicolons between them."""
    groups = (read_labels(part) for part in text.replace("\n", ";").split(";"))
    return tuple(group for group in groups if group)


def read_times(text: str) -> tuple[str, ...]:
    """Read times in cron's form, five fields each, semicolons between them."""
    parts = (" ".join(part.split()).lower() for part in text.replace("\n", ";").split(";"))
    times = tuple(part for part in parts if part)
    if times:
        from cronsim import CronSim, CronSimError

        for time in times:
            try:
                CronSim(time, datetime.now())  # noqa: DTZ005 - nothing is asked of it
            except CronSimError as error:
                raise InvalidValue(f"{quoted(time)}: {str(error).lower()}") from None
    return times


def read_zone(text: str) -> str:
    """Read the name of a time zone (IANA)."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        from difflib import get_close_matches

        near = get_close_matches(text, available_timezones(), 1)
        raise InvalidValue(
            f"is it {near[0]}?" if near else "this machine has no zone of that name"
        ) from None
    return text


def read_variables(text: str) -> str:
    """Read variables of an environment; they stay text."""
    from zmhook.process.environment import parse_variables

    parse_variables(text)
    return text


FORMS: dict[str, Callable[[str], Any]] = {
    "key": str,
    "pattern": read_pattern,
    "frames": read_frames,
    "address": read_address,
    "labels": read_labels,
    "handlers": read_handlers,
    "topic": read_topic,
    "topics": read_topics,
    "addresses": read_addresses,
    "hosts": read_hosts,
    "networks": read_networks,
    "names": read_names,
    "patterns": read_patterns,
    "json": read_json,
    "groups": read_groups,
    "times": read_times,
    "zone": read_zone,
    "size": read_size,
    "variables": read_variables,
}
_TYPES: dict[Any, Callable[[str], Any]] = {
    bool: read_bool,
    int: read_int,
    float: read_float,
    str: str,
    Secret: str,
    Extent: read_extent,
    Colour: read_numbers,
}


def reader_of(kind: Any, form: str = "") -> Callable[[str], Any]:
    """Return the reader of a type or form; raises `TypeError` if there is none."""
    if form:
        if form not in FORMS:
            raise TypeError(f"no text has the form {form}")
        return FORMS[form]
    if kind in _TYPES:
        return _TYPES[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return reader_of(parts[0])
    if origin is Literal:
        return str.lower
    if origin is tuple:
        return read_words if parts[-1] is ... else read_numbers
    if parts[1:] == (NoneType,):
        return _optional(reader_of(parts[0]))
    raise TypeError(f"no text stands for a value of type {kind}")


def _optional(read: Callable[[str], Any]) -> Callable[[str], Any]:
    words = NO - {"0"} if read is read_extent else NO
    return lambda text: None if text.lower() in words else read(text)
