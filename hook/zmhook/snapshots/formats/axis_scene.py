"""Axis, what is seen in each video frame, with pictures in it: the scene description.

Source: AXIS Scene Metadata, data source `com.axis.analytics_scene_description.v0.beta`:
`{"frame": {"observations": […], "operations": […]}}`. Track ids are small numbers that the camera
gives again; a better picture of the same track may follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.arrival import MOST_PARTS
from zmhook.snapshots.formats.boxes import box_of
from zmhook.snapshots.formats.classes import classes_of
from zmhook.snapshots.formats.tracks import Seen
from zmhook.snapshots.formats.under_way import Shown, moment_of, under_way
from zmhook.snapshots.formats.values import identity, mapping, mappings

if TYPE_CHECKING:
    from zmhook.snapshots.formats.arrival import Arrival, News, Origin
    from zmhook.snapshots.formats.tracks import Tracks
    from zmhook.snapshots.formats.values import Json

FORMAT = "axis.scene_description.v0.beta"

# Other programs name a class, or its score, in other ways.
_FOREIGN = json_picture.TELLS - {"class"}


class AxisScene:
    """Pictures of objects that are still there, and when they are gone."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        is_frame = "observations" in content or "operations" in content
        seen = mappings(content.get("observations"))[:MOST_PARTS]
        is_ours = all(_FOREIGN.isdisjoint(one) for one in seen)
        return is_frame and is_ours and "id" not in content and "image" not in content

    def read(self, arrival: Arrival, content: Json) -> News:
        origin = arrival.origin(content)
        timestamp = content.get("timestamp")
        seen = arrival.each(
            mappings(content.get("observations")),
            lambda one: self._observation(arrival, origin, {"timestamp": timestamp, **one}),
        )
        moment = moment_of(arrival, origin, timestamp)
        done = arrival.each(
            mappings(content.get("operations")), lambda one: self._operation(origin, moment, one)
        )
        return seen + done

    def _observation(self, arrival: Arrival, origin: Origin, one: Json) -> News:
        track_id = identity(one.get("track_id"))
        seen = Seen(box_of(one, "bounding_box"), classes_of(one))
        moment = moment_of(arrival, origin, one.get("timestamp"))
        news = self._tracks.observe(origin, track_id, moment, seen) if track_id else None
        told: News = [news] if news else []
        has_picture = mapping(one.get("image")).get("data")
        return told + (self._shown(arrival, origin, one, seen) if has_picture else [])

    def _shown(self, arrival: Arrival, origin: Origin, one: Json, seen: Seen) -> News:
        image = mapping(one.get("image"))
        track_id = identity(one.get("track_id"))
        track = self._tracks.known(origin, track_id)
        classes = seen.classes if seen.classes.label else track.classes
        shown = Shown(
            format=FORMAT,
            track_id=track_id,
            timestamp=image.get("timestamp", one.get("timestamp")),
            picture=arrival.picture(image["data"]),
            classes=classes,
            box=seen.box,
            crop=box_of(image, "bounding_box", "crop_box"),
        )
        snapshot = under_way(arrival, origin, shown, track)
        if track_id:
            self._tracks.pictured(origin, track_id, classes)
        return [snapshot]

    def _operation(self, origin: Origin, moment: float, one: Json) -> News:
        if one.get("type") == "DeleteOperation":
            gone = identity(one.get("id"))
            ended = self._tracks.end(origin, gone, moment) if gone else None
            self._tracks.forget(origin, gone)
            return [ended] if ended else []
        before, after = identity(one.get("from")), identity(one.get("to"))
        is_rename = one.get("type") == "RenameOperation" and before and after and before != after
        return [self._tracks.rename(origin, before, after)] if is_rename else []
