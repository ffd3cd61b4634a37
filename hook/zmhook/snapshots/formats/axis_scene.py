"""Axis, the objects in each video frame, with pictures: the scene description.

Source: AXIS Scene Metadata, data source `com.axis.analytics_scene_description.v0.beta`:
`{"frame": {"observations": […], "operations": […]}}`. Track ids are small numbers that the camera
reuses; a better picture of the same track may follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.axis_object import ShownObject, moment_of, object_snapshot
from zmhook.snapshots.formats.boxes import box_of
from zmhook.snapshots.formats.classes import classes_of
from zmhook.snapshots.formats.incoming import MOST_PARTS
from zmhook.snapshots.formats.tracks import ImageFacts
from zmhook.snapshots.formats.values import identity, mapping, mappings

if TYPE_CHECKING:
    from zmhook.snapshots.formats.incoming import IncomingMessage, MessageOrigin, News
    from zmhook.snapshots.formats.tracks import Tracks
    from zmhook.snapshots.formats.values import Json

FORMAT = "axis.scene_description.v0.beta"

# Other programs name a class, or its score, in other ways.
_FOREIGN = json_picture.CLASS_KEYS - {"class"}


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
        news = self._tracks.observe(origin, track_id, moment, facts) if track_id else None
        amendments: News = [news] if news else []
        has_picture = mapping(part.get("image")).get("data")
        return amendments + (self._shown(message, origin, part, facts) if has_picture else [])

    def _shown(
        self, message: IncomingMessage, origin: MessageOrigin, part: Json, facts: ImageFacts
    ) -> News:
        image = mapping(part.get("image"))
        track_id = identity(part.get("track_id"))
        track = self._tracks.known(origin, track_id)
        classes = facts.classes if facts.classes.label else track.classes
        shown = ShownObject(
            format=FORMAT,
            track_id=track_id,
            timestamp=image.get("timestamp", part.get("timestamp")),
            picture=message.picture(image["data"]),
            classes=classes,
            box=facts.box,
            crop=box_of(image, "bounding_box", "crop_box"),
        )
        snapshot = object_snapshot(message, origin, shown, track)
        if track_id:
            self._tracks.mark_pictured(origin, track_id, classes)
        return [snapshot]

    def _operation(self, origin: MessageOrigin, moment: float, part: Json) -> News:
        if part.get("type") == "DeleteOperation":
            gone = identity(part.get("id"))
            ended = self._tracks.end(origin, gone, moment) if gone else None
            self._tracks.forget(origin, gone)
            return [ended] if ended else []
        before, after = identity(part.get("from")), identity(part.get("to"))
        is_rename = part.get("type") == "RenameOperation" and before and after and before != after
        return [self._tracks.rename(origin, before, after)] if is_rename else []
