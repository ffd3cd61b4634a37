"""Axis, objects that may still be there: `object_snapshot`, a picture, and `frame`, without one.

Source: AXIS Scene Metadata, data sources `com.axis.scene.object_snapshot.v1` and
`com.axis.scene.frame.v1` (also written `axis.scene.object_snapshot_v1`, `axis.scene.frame_v1`). A
snapshot's `timestamp` is a number in its table and a text in its sample. A frame's detection names
the `object_snapshot` that shows it by `image_id`. `detections` and `track_events` are absent when
there are none; such a frame is a sign of life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.boxes import box_of
from zmhook.snapshots.formats.classes import Classes, classes_of
from zmhook.snapshots.formats.times import settled
from zmhook.snapshots.formats.tracks import ImageFacts
from zmhook.snapshots.formats.values import identity, mappings
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox

if TYPE_CHECKING:
    from zmhook.snapshots.formats.incoming import IncomingMessage, MessageOrigin, News
    from zmhook.snapshots.formats.tracks import Track, Tracks
    from zmhook.snapshots.formats.values import Json

FORMAT = "axis.object_snapshot.v1"

_OURS = ("channel_id", "object_track_id", "crop_box")

# Other programs name a class, or its score, in other ways.
_FOREIGN = json_picture.CLASS_KEYS - {"class"}
_SIGN_OF_LIFE = {"channel_id", "timestamp"}


class ShownObject(NamedTuple):
    """A picture in a message and its object; `timestamp` is as the message has it."""

    format: str
    track_id: str
    timestamp: Any
    picture: bytes
    classes: Classes
    box: SceneBox | None
    crop: SceneBox | None


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
        shown = self._shown(message, origin, content, track)
        snapshot = object_snapshot(message, origin, shown, track)
        if track_id:
            self._tracks.mark_pictured(origin, track_id, shown.classes)
        if image_id and shown.box is None:
            self._tracks.mark_sent(origin, image_id)
        return [snapshot]

    def _shown(
        self, message: IncomingMessage, origin: MessageOrigin, content: Json, track: Track
    ) -> ShownObject:
        """Take the class from the message, or else from the frames that name it."""
        facts = self._tracks.image_facts(origin, identity(content.get("id")))
        known = (classes_of(content), facts.classes)
        return ShownObject(
            format=FORMAT,
            track_id=identity(content.get("object_track_id")),
            timestamp=content.get("timestamp"),
            picture=message.picture(content.get("data")),
            classes=next((own for own in known if own.label), track.classes),
            box=facts.box,
            crop=box_of(content, "crop_box", "bounding_box"),
        )


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
        if not track_id:
            return []
        facts = ImageFacts(box_of(detection, "bounding_box"), classes_of(detection))
        image_id = identity(detection.get("image_id"))
        news = self._tracks.observe(origin, track_id, moment, facts, image_id)
        return [news] if news else []

    def _event(self, origin: MessageOrigin, moment: float, event: Json) -> News:
        if event.get("type") == "TrackEnded":
            ended = identity(event.get("object_track_id"))
            return [self._tracks.end(origin, ended, moment)] if ended else []
        before, after = identity(event.get("from_id")), identity(event.get("to_id"))
        is_rename = event.get("type") == "Rename" and before and after and before != after
        return [self._tracks.rename(origin, before, after)] if is_rename else []


def object_snapshot(
    message: IncomingMessage, origin: MessageOrigin, shown: ShownObject, track: Track
) -> BestSnapshot:
    """Return the snapshot, with the start and end of its track by earlier frames."""
    when = settled(origin.clock.ours(shown.timestamp), None, None, message.received)
    # The track's times were put right when its frames came, should the clock be ahead.
    times = settled(when.taken, track.start, track.end, message.received)
    ahead = {"clock_ahead_s": when.ahead} if when.ahead else {}
    return BestSnapshot(
        camera=origin.match.camera,
        monitor_id=origin.match.monitor_id,
        channel=origin.channel,
        topic=message.topic,
        format=shown.format,
        track_id=shown.track_id,
        taken=times.taken,
        received=message.received,
        start=times.start,
        end=times.end,
        ended=track.ended,
        label=shown.classes.label,
        score=shown.classes.score,
        classes=shown.classes.all,
        colours=shown.classes.colours,
        attributes={**shown.classes.attributes, **ahead},
        box=shown.box,
        crop=shown.crop,
        picture=shown.picture,
    )


def moment_of(message: IncomingMessage, origin: MessageOrigin, timestamp: Any) -> float:
    """Return a frame's time by our clock; when it came, if it names none that can be."""
    return settled(origin.clock.ours(timestamp), None, None, message.received).taken
