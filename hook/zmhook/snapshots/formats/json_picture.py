"""JSON that has a picture in it and is of no format that is known by name.

Many programs send a JPEG as base64 under `image`, `crop` or `data`, with a class, a confidence and
a time beside it: DetectX and DataQ on Axis cameras, scripts, bridges. The camera is that of the
topic; where no setting names it and the topic does not either, the serial number in the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.boxes import box_of
from zmhook.snapshots.formats.classes import Classes, classes_of
from zmhook.snapshots.formats.pictures import looks_like
from zmhook.snapshots.formats.raw import name_of
from zmhook.snapshots.formats.times import settled
from zmhook.snapshots.formats.values import Json, fraction, identity, label, number, text
from zmhook.snapshots.snapshot import Classification, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from zmhook.snapshots.formats.arrival import Arrival, News, Origin
    from zmhook.snapshots.snapshot import Attribute

FORMAT = "json"

MOST_NESTED = 6
MOST_VALUES = 2000
"""Values that are looked at for a picture."""

# Of several pictures the first by name is taken: the whole one before a part or a small copy of it.
_PICTURES = ("image", "picture", "img", "jpeg", "jpg", "png", "photo", "snapshot", "frame", "crop")
_SMALL = ("thumbnail", "thumb", "preview", "icon")
_CLASSES = ("label", "class_name", "object", "object_type", "category", "type", "name")
_SCORES = ("score", "confidence", "probability", "top_score")
_TIMES = ("timestamp", "time", "taken", "ts", "datetime", "date", "frame_time")
_IDS = ("object_track_id", "track_id", "event_id", "id", "uuid")
_SERIALS = ("serial", "serial_number", "serialNumber", "device_id", "mac")
_PERCENT = 100.0


class Picture(NamedTuple):
    """A picture in base64, its name, and the object that it stands in."""

    name: str
    data: str
    beside: Json


def pictures(content: Json) -> list[Picture]:
    """Return the pictures in a message by how good their names are; none, when there are none."""
    return sorted(_found(content), key=_rank)


def read(arrival: Arrival, content: Json, found: Picture) -> News:
    """Return the snapshot; none of one that the broker kept without a time, as of a raw picture.

    Raises `PayloadError` when the picture cannot be read.
    """
    outer = {key: value for key, value in content.items() if not isinstance(value, (dict, list))}
    told = outer | found.beside
    origin = _origin(arrival, told)
    when = origin.clock.ours(_first(told, _TIMES))
    picture = arrival.picture(found.data)
    if arrival.retained and when is None:
        raise PayloadError(
            "retained", f"{arrival.name}: a picture that the broker kept, of any age"
        )
    times = settled(when, None, None, arrival.received)
    classes = _classes(told)
    ahead: dict[str, Attribute] = {"clock_ahead_s": times.ahead} if times.ahead else {}
    serial = text(_first(told, _SERIALS), 64)
    snapshot = Snapshot(
        camera=origin.place.camera,
        monitor_id=origin.place.monitor_id,
        channel=origin.channel,
        topic=arrival.topic,
        format=FORMAT,
        track_id=identity(_first(told, _IDS)) or name_of(picture),
        taken=times.taken,
        received=arrival.received,
        ended=True,
        label=classes.label,
        score=classes.score,
        classes=classes.all,
        colours=classes.colours,
        attributes={**classes.attributes, **({"serial": serial} if serial else {}), **ahead},
        crop=box_of(told, "crop_box", "bounding_box"),
        picture=picture,
    )
    return [snapshot]


def _rank(found: Picture) -> tuple[int, int]:
    """Names that say what it is, then others, then those of small copies; the largest first."""
    name = found.name.lower()
    if name in _PICTURES:
        return _PICTURES.index(name), -len(found.data)
    small = any(one in name for one in _SMALL)
    return len(_PICTURES) + small, -len(found.data)


def _found(content: Json) -> Iterator[Picture]:
    """Yield every text that begins as a picture does, wherever it stands, within bounds."""
    waiting: list[tuple[str, Any, Json, int]] = [("", content, content, 0)]
    for _ in range(MOST_VALUES):
        if not waiting:
            return
        name, value, beside, depth = waiting.pop(0)
        if isinstance(value, str):
            if looks_like(value):
                yield Picture(name, value.lstrip(), beside)
        elif depth < MOST_NESTED and isinstance(value, dict):
            waiting += [(str(key), one, value, depth + 1) for key, one in value.items()]
        elif depth < MOST_NESTED and isinstance(value, list):
            waiting += [(name, one, beside, depth + 1) for one in value[:MOST_VALUES]]


def _origin(arrival: Arrival, told: Json) -> Origin:
    origin = arrival.origin(told)
    serial = label(_first(told, _SERIALS))
    if origin.place.named or not serial or serial.lower() in arrival.topic.lower():
        return origin
    return origin._replace(place=origin.place._replace(camera=serial))


def _classes(told: Json) -> Classes:
    """Return the class: in the way of Axis, or else under one of many names, as a text."""
    known = classes_of(told)
    if known.label:
        return known
    name = next(filter(None, (label(told.get(key)) for key in _CLASSES)), "")
    score = next(
        filter(lambda one: one is not None, (number(told.get(key)) for key in _SCORES)), None
    )
    return Classes((Classification(name, _share(score)),)) if name else known


def _share(score: float | None) -> float | None:
    """Return a score from 0 to 1; one above that is in percent."""
    return fraction(score / _PERCENT if score is not None and score > 1 else score)


def _first(told: Json, keys: tuple[str, ...]) -> Any:
    return next((told[key] for key in keys if told.get(key) not in (None, "")), None)
