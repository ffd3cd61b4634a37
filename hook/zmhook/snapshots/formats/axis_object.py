"""Axis, objects that may still be there: `object_snapshot`, `frame` and the scene description.

Source: AXIS Scene Metadata, data sources `com.axis.scene.object_snapshot.v1`, a picture,
`com.axis.scene.frame.v1`, none (also written `axis.scene.object_snapshot_v1`,
`axis.scene.frame_v1`), and `com.axis.analytics_scene_description.v0.beta`, both.

A snapshot's `timestamp` is a number in its table and a text in its sample. A frame's detection
names the `object_snapshot` that shows it by `image_id`. `detections` and `track_events` are
absent when there are none; such a frame is a sign of life.

A scene description is `{"frame": {"observations": […], "operations": […]}}`. Its track ids are
small numbers that the camera reuses; a better picture of the same track may follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.classes import Classes, classes_of
from zmhook.snapshots.formats.incoming import MOST_PARTS, IncomingMessage, MessageOrigin
from zmhook.snapshots.formats.tracks import ImageFacts, Track, Tracks
from zmhook.snapshots.formats.values import Json, box_of, identity, settled
from zmhook.text.bounded_json import mapping, mappings

if TYPE_CHECKING:
    from zmhook.snapshots.formats.incoming import News
    from zmhook.snapshots.snapshot import BestSnapshot

SNAPSHOT = "axis.object_snapshot.v1"
SCENE = "axis.scene_description.v0.beta"

_OURS = ("channel_id", "object_track_id", "crop_box")

# Other programs name a class, or its score, in other ways.
_FOREIGN = json_picture.CLASS_KEYS - {"class"}
_SIGN_OF_LIFE = {"channel_id", "timestamp"}


class AxisSnapshot:
    """Pictures whose class, and whose object's box, a frame may name: before or after."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        is_classified = "class" in content or json_picture.FOREIGN_KEYS.isdisjoint(content)
        if {"object_track_id", "crop_box"} <= content.keys() and is_classified:
            return True
        is_foreign = not _FOREIGN.isdisjoint(content) or isinstance(content.get("class"), str)
        is_ours = any(content.get(name) is not None for name in _OURS)
        return isinstance(content.get("data"), str) and is_ours and not is_foreign

    def read(self, message: IncomingMessage, content: Json) -> News:
        origin = message.origin(content)
        image_id = identity(content.get("id"))
        track_id = identity(content.get("object_track_id"))
        track = self._tracks.known(origin, track_id)
        facts = self._tracks.image_facts(origin, image_id)
        known = (classes_of(content), facts.classes)
        classes = next((own for own in known if own.label), track.classes)
        snapshot = object_snapshot(
            message,
            origin,
            track,
            content.get("timestamp"),
            classes,
            format=SNAPSHOT,
            track_id=track_id,
            box=facts.box,
            crop=box_of(content, "crop_box", "bounding_box"),
            picture=message.picture(content.get("data")),
        )
        if track_id:
            self._tracks.mark_pictured(origin, track_id, classes)
        if image_id and facts.box is None:
            self._tracks.mark_sent(origin, image_id)
        return [snapshot]


class AxisFrame:
    """Ties detections to the snapshots that show them, and reports when tracks end."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        has_news = "detections" in content or "track_events" in content
        return has_news or ("timestamp" in content and content.keys() <= _SIGN_OF_LIFE)

    def read(self, message: IncomingMessage, content: Json) -> News:
        origin = message.origin(content)
        moment = moment_of(message, origin, content.get("timestamp"))
        detections = message.each(
            mappings(content.get("detections")),
            lambda detection: self._detection(origin, moment, detection),
        )
        events = message.each(
            mappings(content.get("track_events")),
            lambda event: self._event(origin, moment, event),
        )
        return detections + events

    def _detection(self, origin: MessageOrigin, moment: float, detection: Json) -> News:
        track_id = identity(detection.get("object_track_id"))
        facts = ImageFacts(box_of(detection, "bounding_box"), classes_of(detection))
        image_id = identity(detection.get("image_id"))
        return self._tracks.observe(origin, track_id, moment, facts, image_id)

    def _event(self, origin: MessageOrigin, moment: float, event: Json) -> News:
        if event.get("type") == "TrackEnded":
            ended = identity(event.get("object_track_id"))
            return self._tracks.end(origin, ended, moment)
        if event.get("type") != "Rename":
            return []
        before, after = identity(event.get("from_id")), identity(event.get("to_id"))
        return self._tracks.rename(origin, before, after)


class AxisScene:
    """Pictures of objects that are still there, and the end of their tracks."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        is_frame = "observations" in content or "operations" in content
        observations = mappings(content.get("observations"))[:MOST_PARTS]
        is_ours = all(map(_FOREIGN.isdisjoint, observations))
        return is_frame and is_ours and "id" not in content and "image" not in content

    def read(self, message: IncomingMessage, content: Json) -> News:
        origin = message.origin(content)
        timestamp = content.get("timestamp")
        observed = message.each(
            mappings(content.get("observations")),
            lambda part: self._observation(message, origin, {"timestamp": timestamp, **part}),
        )
        moment = moment_of(message, origin, timestamp)
        operations = message.each(
            mappings(content.get("operations")), lambda part: self._operation(origin, moment, part)
        )
        return observed + operations

    def _observation(self, message: IncomingMessage, origin: MessageOrigin, part: Json) -> News:
        track_id = identity(part.get("track_id"))
        facts = ImageFacts(box_of(part, "bounding_box"), classes_of(part))
        moment = moment_of(message, origin, part.get("timestamp"))
        news = self._tracks.observe(origin, track_id, moment, facts)
        has_picture = mapping(part.get("image")).get("data")
        return news + (self._shown(message, origin, part, facts) if has_picture else [])

    def _shown(
        self, message: IncomingMessage, origin: MessageOrigin, part: Json, facts: ImageFacts
    ) -> News:
        image = mapping(part.get("image"))
        track_id = identity(part.get("track_id"))
        track = self._tracks.known(origin, track_id)
        classes = facts.classes if facts.classes.label else track.classes
        snapshot = object_snapshot(
            message,
            origin,
            track,
            image.get("timestamp", part.get("timestamp")),
            classes,
            format=SCENE,
            track_id=track_id,
            box=facts.box,
            crop=box_of(image, "bounding_box", "crop_box"),
            picture=message.picture(image["data"]),
        )
        if track_id:
            self._tracks.mark_pictured(origin, track_id, classes)
        return [snapshot]

    def _operation(self, origin: MessageOrigin, moment: float, part: Json) -> News:
        if part.get("type") == "DeleteOperation":
            gone = identity(part.get("id"))
            ended = self._tracks.end(origin, gone, moment)
            self._tracks.forget(origin, gone)
            return ended
        if part.get("type") != "RenameOperation":
            return []
        before, after = identity(part.get("from")), identity(part.get("to"))
        return self._tracks.rename(origin, before, after)


def object_snapshot(
    message: IncomingMessage,
    origin: MessageOrigin,
    track: Track,
    timestamp: Any,
    classes: Classes,
    **facts: Any,
) -> BestSnapshot:
    """Return the snapshot, with the start and end of its track by earlier frames."""
    when = settled(origin.clock.ours(timestamp), None, None, message.received)
    # The track's times were put right when its frames came, should the clock be ahead.
    times = settled(when.taken, track.start, track.end, message.received)
    times = times._replace(ahead=when.ahead)
    return message.snapshot(origin, times, classes, ended=track.ended, **facts)


def moment_of(message: IncomingMessage, origin: MessageOrigin, timestamp: Any) -> float:
    """Return a frame's time by our clock; when it came, if it names none that can be."""
    return settled(origin.clock.ours(timestamp), None, None, message.received).taken
