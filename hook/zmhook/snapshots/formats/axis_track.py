"""Axis, one message for each object that has left: `consolidated_track` and `object_track`.

Sources: AXIS Scene Metadata, data sources `com.axis.consolidated_track.v1.beta` and
`com.axis.scene.object_track.v1` (also written `axis.scene.object_track_v1`). The newer has
`path` and `crop_box` for the older's `observations` and `bounding_box`, a `channel_id`, and no
time of the picture. Recorders put tracks as `{"tracks": [{"object": {…}}]}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import structs

from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.classes import Classes, classes_of, track_attributes
from zmhook.snapshots.formats.incoming import IncomingMessage, MessageOrigin
from zmhook.snapshots.formats.values import (
    Clock,
    Json,
    Times,
    at_least_zero,
    box_of,
    clipped,
    identity,
    is_base64_picture,
    scene_box,
    settled,
    text,
)
from zmhook.snapshots.snapshot import Amendment, SceneBox
from zmhook.text.bounded_json import mapping, mappings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.snapshots.formats.incoming import News
    from zmhook.snapshots.formats.tracks import Tracks

MARGIN = 0.1
"""What a camera adds on each side of the object for its picture, as a share of the object."""

BETA = "axis.consolidated_track.v1.beta"
STABLE = "axis.object_track.v1"

# Keys of a track, and those that other programs have instead.
_TRACK_KEYS = {"classes", "start_time", "end_time", "duration", "path", "observations"}
_FOREIGN = json_picture.CLASS_KEYS | {"timestamp", "time"}
_STABLE_KEYS = {"channel_id", "path", "parts"}


class Sighting(NamedTuple):
    """Where the object was at a time, which is still as the message has it."""

    timestamp: Any
    box: SceneBox | None


class ParsedTrack(NamedTuple):
    """A track without its picture. `duration` is in seconds."""

    origin: MessageOrigin
    track_id: str
    times: Times
    duration: float | None
    classes: Classes
    box: SceneBox | None
    crop: SceneBox | None


class AxisTrack:
    """Tracks that have ended; one without a picture amends earlier snapshots."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        """Axis' own is an id with a channel, or with a track's times, classes or path.

        A path of boxes, parts and an end's reason are nobody else's, unless the class has a
        foreign key.
        """
        if isinstance(content.get("tracks"), list):
            return any(map(_is_track, _recorded(content)))
        return _is_track(content)

    def read(self, message: IncomingMessage, content: Json) -> News:
        if "tracks" not in content:
            return self._read(message, content)
        return message.each(_recorded(content), lambda part: self._read(message, part))

    def _read(self, message: IncomingMessage, content: Json) -> News:
        track = _parsed(message, content)
        image = content.get("image")
        data = image if is_base64_picture(image) else mapping(image).get("data")
        if not data:
            return [_amendment(track)] if track.track_id else []
        snapshot = message.snapshot(
            track.origin,
            track.times,
            track.classes,
            track_attributes(content),
            format=_format(content),
            track_id=track.track_id,
            duration=track.duration,
            ended=True,
            box=track.box,
            crop=track.crop,
            picture=message.picture(data),
        )
        is_known = self._tracks.known(track.origin, track.track_id).pictured
        return [snapshot, _amendment(track)] if is_known else [snapshot]


def _recorded(content: Json) -> list[Json]:
    shared = {"channel_id": content.get("channel_id")}
    return [shared | (mapping(part.get("object")) or part) for part in mappings(content["tracks"])]


def _is_track(content: Json) -> bool:
    if "classes" not in content and not json_picture.FOREIGN_KEYS.isdisjoint(content):
        return False
    if _has_marks(content):
        return True
    if "id" not in content or not _FOREIGN.isdisjoint(content):
        return False
    return content.get("channel_id") is not None or not _TRACK_KEYS.isdisjoint(content)


def _has_marks(content: Json) -> bool:
    on_path = any("bounding_box" in step for step in _path(content)[:1])
    parts = any("object_track_id" in part for part in mappings(content.get("parts"))[:1])
    ended = bool(text(content.get("end_reason"))) and "start_time" in content
    return (on_path and "track_id" not in _path(content)[0]) or parts or ended


def _parsed(message: IncomingMessage, content: Json) -> ParsedTrack:
    origin = message.origin(content)
    image = mapping(content.get("image"))
    crop = box_of(image, "crop_box", "bounding_box")
    duration = at_least_zero(content.get("duration"))
    sighting = _sighting(_path(content), image, crop)
    times = _times(message, content, origin.clock, sighting, duration)
    box = sighting.box if sighting else None
    track_id = identity(content.get("id"))
    return ParsedTrack(origin, track_id, times, duration, classes_of(content), box, crop)


def _path(content: Json) -> list[Json]:
    return mappings(content.get("path") or content.get("observations"))


def _sighting(path: list[Json], image: Json, crop: SceneBox | None) -> Sighting | None:
    """Return when and where the object was when its picture was taken.

    The time is the picture's own where it has one, else that of the box in the path which is
    nearest to the crop.
    """
    taken = image.get("timestamp")
    if taken is not None:
        at = (step.get("bounding_box") for step in path if step.get("timestamp") == taken)
        exact = next(filter(None, map(scene_box, at)), None)
        if exact or crop is None:
            return Sighting(taken, exact)
    best = nearest(path, crop) if crop else None
    timestamp = taken if taken is not None else best and best.timestamp
    return Sighting(timestamp, best.box if best else None)


def nearest(path: Iterable[Json], crop: SceneBox) -> Sighting | None:
    """Return the sighting that the picture shows: the path's box closest to the crop's.

    A crop is the box with a margin on each side, or the box itself where the camera's margin is
    off; both are compared. None when the path has no boxes.
    """
    sightings = [
        Sighting(step.get("timestamp"), scene_box(step.get("bounding_box"))) for step in path
    ]
    boxed = [sighting for sighting in sightings if sighting.box]
    return min(boxed, key=lambda sighting: _distance(sighting.box, crop), default=None)


def _distance(box: SceneBox | None, crop: SceneBox) -> float:
    if box is None:
        return float("inf")
    return min(_apart(box, crop), _apart(_grown(box), crop))


def _grown(box: SceneBox) -> SceneBox:
    wide, high = box.width * MARGIN, box.height * MARGIN
    edges = (box.left - wide, box.top - high, box.right + wide, box.bottom + high)
    return SceneBox(*map(clipped, edges))


def _apart(box: SceneBox, other: SceneBox) -> float:
    pairs = zip(structs.astuple(box), structs.astuple(other), strict=True)
    distance: float = sum(abs(side - other_side) for side, other_side in pairs)
    return distance


def _times(
    message: IncomingMessage,
    content: Json,
    clock: Clock,
    sighting: Sighting | None,
    duration: float | None,
) -> Times:
    """Return its times; of start, end and duration, two give the third."""
    taken = clock.ours(sighting.timestamp) if sighting else None
    start = clock.ours(content.get("start_time"))
    end = clock.ours(content.get("end_time"))
    if duration is not None and end is None and start is not None:
        end = start + duration
    if duration is not None and start is None and end is not None:
        start = end - duration
    return settled(taken, start, end, message.received)


def _amendment(track: ParsedTrack) -> Amendment:
    """Return what the whole track says about a snapshot that came before its end."""
    known = track.classes
    return Amendment(
        camera=track.origin.match.camera,
        channel=track.origin.channel,
        track_id=track.track_id,
        start=track.times.start,
        end=track.times.end,
        ended=True,
        label=known.label or None,
        score=known.score,
        classes=known.all or None,
        colours=known.colours or None,
    )


def _format(content: Json) -> str:
    is_stable = not _STABLE_KEYS.isdisjoint(k for k, v in content.items() if v is not None)
    return STABLE if is_stable else BETA
