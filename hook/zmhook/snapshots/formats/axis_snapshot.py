"""Axis, one picture of an object that may still be there: `object_snapshot`.

Source: AXIS Scene Metadata, data source `com.axis.scene.object_snapshot.v1` (also written
`axis.scene.object_snapshot_v1`). `timestamp` is a number in its table and a text in its sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.snapshots.formats import json_picture
from zmhook.snapshots.formats.boxes import box_of
from zmhook.snapshots.formats.classes import classes_of
from zmhook.snapshots.formats.under_way import Shown, under_way
from zmhook.snapshots.formats.values import identity

if TYPE_CHECKING:
    from zmhook.snapshots.formats.arrival import Arrival, News, Origin
    from zmhook.snapshots.formats.tracks import Track, Tracks
    from zmhook.snapshots.formats.values import Json

FORMAT = "axis.object_snapshot.v1"

_OURS = ("channel_id", "object_track_id", "crop_box")

# Other programs name a class, or its score, in other ways.
_FOREIGN = json_picture.TELLS - {"class"}


class AxisSnapshot:
    """Pictures whose class, and whose object's box, a frame may tell: before or after."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        is_told = "class" in content or json_picture.SURE.isdisjoint(content)
        if {"object_track_id", "crop_box"} <= content.keys() and is_told:
            return True
        is_foreign = not _FOREIGN.isdisjoint(content) or isinstance(content.get("class"), str)
        is_ours = any(content.get(name) is not None for name in _OURS)
        return isinstance(content.get("data"), str) and is_ours and not is_foreign

    def read(self, arrival: Arrival, content: Json) -> News:
        origin = arrival.origin(content)
        image_id = identity(content.get("id"))
        track_id = identity(content.get("object_track_id"))
        track = self._tracks.known(origin, track_id)
        shown = self._shown(arrival, origin, content, track)
        snapshot = under_way(arrival, origin, shown, track)
        if track_id:
            self._tracks.pictured(origin, track_id, shown.classes)
        if image_id and shown.box is None:
            self._tracks.came(origin, image_id)
        return [snapshot]

    def _shown(self, arrival: Arrival, origin: Origin, content: Json, track: Track) -> Shown:
        """Take the class from the message, or else from the frames that spoke of it."""
        seen = self._tracks.seen(origin, identity(content.get("id")))
        told = (classes_of(content), seen.classes)
        return Shown(
            format=FORMAT,
            track_id=identity(content.get("object_track_id")),
            timestamp=content.get("timestamp"),
            picture=arrival.picture(content.get("data")),
            classes=next((one for one in told if one.label), track.classes),
            box=seen.box,
            crop=box_of(content, "crop_box", "bounding_box"),
        )
