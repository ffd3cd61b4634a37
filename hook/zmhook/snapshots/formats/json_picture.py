"""JSON of no known format that has a picture in it.

Many programs send a JPEG as base64 under `image`, `crop` or `data`, with a class, a confidence and
a time beside it or in an object around it: DetectX and DataQ on Axis cameras, scripts, bridges. Of
each the nearest to the picture counts. The camera is that of the
topic; where no setting names it and the topic does not either, the serial number in the message.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from zmhook.errors import PayloadError
from zmhook.snapshots.formats.classes import Classes, classes_of
from zmhook.snapshots.formats.values import (
    LONGEST_TEXT,
    Json,
    fraction,
    identity,
    is_base64_picture,
    label,
    number,
    picture_name,
    scene_box,
    settled,
    text,
)
from zmhook.snapshots.snapshot import Classification, SceneBox
from zmhook.text.bounded_json import mappings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.snapshots.formats.incoming import IncomingMessage, MessageOrigin, News

FORMAT = "json"

MOST_NESTED = 6
MOST_VALUES = 2000
"""Values that are searched for a picture."""

# Of several pictures the first by name is taken: the whole one before a part or a small copy of it.
_PICTURES = ("image", "picture", "img", "jpeg", "jpg", "png", "photo", "snapshot", "frame", "crop")
_SMALL = ("thumbnail", "thumb", "preview", "icon")
_CLASSES = ("label", "class_name", "object_type", "category")
_MAYBE_CLASSES = ("object", "type", "name")
"""Keys of a class where no other key has one; they may also hold a file name or a message type."""
_SCORES = ("score", "confidence", "probability", "top_score")
_TIMES = ("timestamp", "time", "taken", "ts", "datetime", "date", "frame_time")
_TRACKS = ("object_track_id", "track_id", "event_id")
_IDS = ("id", "uuid")
_SERIALS = ("serial", "serial_number", "serialNumber", "device_id", "mac")
_OBJECTS = ("object", "objects", "detection", "detections", "predictions", "results")
_MOST_OBJECTS = 64
_BOXES = ("crop_box", "bounding_box", "box", "bbox")
_WIDEST = 1.5
"""Of a scene's width or height; a box with a side beyond is in pixels."""
_PERCENT = 100.0
_NO_CLASS = re.compile(
    r"(?:.*[/._])?(?:image|picture|img|jpe?g|png|photo|snapshot|frame|crop|base64|buffer)"
    r"|image[/_].*|event|detection|detections|object|new|update|end|start|message",
    re.IGNORECASE | re.DOTALL,
)

FOREIGN_KEYS = frozenset({*_CLASSES, *_SCORES})
"""Names of a class or a score that Axis does not have; of `CLASS_KEYS` it has some."""
CLASS_KEYS = FOREIGN_KEYS | {"class", *_MAYBE_CLASSES}


class EmbeddedPicture(NamedTuple):
    """A picture in base64, its name, and the objects that it stands in, the nearest first."""

    name: str
    around: str
    data: str
    levels: tuple[Json, ...]


def pictures(content: Json) -> list[EmbeddedPicture]:
    """Return the pictures in a message by how good their names are; none, when there are none."""
    return sorted(_search(content), key=_rank)


def read(message: IncomingMessage, embedded: EmbeddedPicture) -> News:
    """Return the snapshot; none of one that the broker kept without a time, as of a raw picture.

    Raises `PayloadError` when the picture cannot be read.
    """
    levels = embedded.levels
    serial = next(filter(None, (text(value, 64) for value in _each(levels, _SERIALS))), "")
    origin = _origin(message, levels, serial)
    moments = map(origin.clock.ours, _each(levels, _TIMES))
    when = next((value for value in moments if value is not None), None)
    start = origin.clock.ours(next(_each(levels, ("start_time",)), None))
    end = origin.clock.ours(next(_each(levels, ("end_time",)), None))
    picture = message.picture(embedded.data)
    if message.retained and when is None and end is None:
        raise PayloadError(
            "kept by the broker, without a time",
            f"{message.name}: a picture that the broker kept, of any age",
        )
    snapshot = message.snapshot(
        origin,
        settled(when, start, end, message.received),
        _classes(levels),
        {"serial": serial} if serial else {},
        format=FORMAT,
        track_id=_track(levels) or picture_name(picture),
        ended=True,
        crop=_box(levels),
        picture=picture,
    )
    return [snapshot]


def _rank(picture: EmbeddedPicture) -> tuple[int, int]:
    """Rank the names of pictures first, then others, then small copies; the largest first."""
    names = (picture.name.lower(), picture.around.lower())
    is_small = any(small in name for name in names for small in _SMALL)
    known = [_PICTURES.index(name) for name in names if name in _PICTURES]
    if is_small or not known:
        return len(_PICTURES) + is_small, -len(picture.data)
    return min(known), -len(picture.data)


def _search(content: Json) -> Iterator[EmbeddedPicture]:
    """Yield every text that begins as a picture does, at any depth within bounds."""
    waiting: deque[tuple[str, str, Any, tuple[Json, ...], int]] = deque([("", "", content, (), 0)])
    for _ in range(MOST_VALUES):
        if not waiting:
            return
        name, around, value, levels, depth = waiting.popleft()
        if isinstance(value, str):
            if is_base64_picture(value):
                yield EmbeddedPicture(name, around, value.lstrip(), levels)
        elif depth < MOST_NESTED and isinstance(value, dict):
            inner = (value, *levels)
            waiting += [(str(key), name, member, inner, depth + 1) for key, member in value.items()]
        elif depth < MOST_NESTED and isinstance(value, list):
            waiting += [(name, around, member, levels, depth + 1) for member in value[:MOST_VALUES]]


def _origin(message: IncomingMessage, levels: tuple[Json, ...], serial: str) -> MessageOrigin:
    origin = message.origin({"channel_id": next(_each(levels, ("channel_id",)), None)})
    camera = label(serial)
    if origin.match.named or not camera or camera.lower() in message.topic.lower():
        return origin
    return origin._replace(match=origin.match._replace(camera=camera))


def _track(levels: tuple[Json, ...]) -> str:
    """Return the track, or else what has an id, nearest to the picture."""
    ids = (identity(value) for keys in (_TRACKS, _IDS) for value in _each(levels, keys))
    return next(filter(None, ids), "")


def _box(levels: tuple[Json, ...]) -> SceneBox | None:
    """Return the nearest box in shares of the scene."""
    boxes = (value for value in _each(levels, _BOXES) if isinstance(value, dict))
    shares = (
        box for box in boxes if all((number(side) or 0.0) <= _WIDEST for side in box.values())
    )
    return next(filter(None, map(scene_box, shares)), None)


def _classes(levels: tuple[Json, ...]) -> Classes:
    """Return the class: in the way of Axis, or else under one of many names, as a text.

    Where the picture is beside the objects that it shows, it is that of the surest.
    """
    nearest = _class_in(levels)
    if nearest.label:
        return nearest
    for level in levels:
        entries = [value for key in _OBJECTS for value in _listed(level.get(key))][:_MOST_OBJECTS]
        known = [own for own in (_class_in((entry,)) for entry in entries) if own.label]
        if known:
            return max(known, key=lambda own: own.score or 0.0)
    return nearest


def _listed(value: Any) -> list[Json]:
    return [value] if isinstance(value, dict) else mappings(value)


def _class_in(levels: tuple[Json, ...]) -> Classes:
    known = next(filter(None, (_named(level) for level in levels)), None) or _maybe(levels)
    if known is None or known.score is not None or len(known.all) > 1:
        return known or Classes()
    scores = (_share(value) for value in _each(levels, _SCORES))
    score = next((value for value in scores if value is not None), None)
    return structs.replace(known, all=(Classification(known.label, score),))


def _named(level: Json) -> Classes | None:
    known = classes_of(level)
    if known.label:
        return known
    names = (label(value) for value in _each((level,), _CLASSES))
    name = next(filter(None, names), "")
    return Classes((Classification(name),)) if name else None


def _maybe(levels: tuple[Json, ...]) -> Classes | None:
    """Return the class that stands under a name which is often that of something else."""
    names = (label(value) for value in _each(levels, _MAYBE_CLASSES) if not _is_no_class(value))
    name = next(filter(None, names), "")
    return Classes((Classification(name),)) if name else None


def _is_no_class(value: Any) -> bool:
    return not isinstance(value, str) or bool(_NO_CLASS.fullmatch(value.strip()[:LONGEST_TEXT]))


def _share(value: Any) -> float | None:
    """Return a score from 0 to 1; one above that, or with a percent sign, is in percent."""
    is_percent = isinstance(value, str) and value.rstrip().endswith("%")
    score = number(value.rstrip(" %") if is_percent else value)
    is_percent = is_percent or (score is not None and score > 1)
    return fraction(score / _PERCENT if score is not None and is_percent else score)


def _each(levels: tuple[Json, ...], keys: tuple[str, ...]) -> Iterator[Any]:
    """Yield what stands under these names: the nearest first, and of one level by their order."""
    return (level[key] for level in levels for key in keys if level.get(key) not in (None, ""))
