"""Axis, what is seen in each video frame, without pictures: `frame`.

Source: AXIS Scene Metadata, data source `com.axis.scene.frame.v1` (also written
`axis.scene.frame_v1`). A detection names the `object_snapshot` that shows it by `image_id`.
`detections` and `track_events` are absent when there are none; such a frame is a sign of life.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.snapshots.formats.boxes import box_of
from zmhook.snapshots.formats.classes import classes_of
from zmhook.snapshots.formats.tracks import Seen
from zmhook.snapshots.formats.under_way import moment_of
from zmhook.snapshots.formats.values import identity, mappings

if TYPE_CHECKING:
    from zmhook.snapshots.formats.arrival import Arrival, News, Origin
    from zmhook.snapshots.formats.tracks import Tracks
    from zmhook.snapshots.formats.values import Json

_SIGN_OF_LIFE = {"channel_id", "timestamp"}


class AxisFrame:
    """Ties detections to the snapshots that show them, and says when tracks end."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks

    def fits(self, content: Json) -> bool:
        has_news = "detections" in content or "track_events" in content
        return has_news or ("timestamp" in content and content.keys() <= _SIGN_OF_LIFE)

    def read(self, arrival: Arrival, content: Json) -> News:
        origin = arrival.origin(content)
        moment = moment_of(arrival, origin, content.get("timestamp"))
        seen = arrival.each(
            mappings(content.get("detections")), lambda one: self._seen(origin, moment, one)
        )
        events = arrival.each(
            mappings(content.get("track_events")), lambda one: self._event(origin, moment, one)
        )
        return seen + events

    def _seen(self, origin: Origin, moment: float, detection: Json) -> News:
        track_id = identity(detection.get("object_track_id"))
        if not track_id:
            return []
        seen = Seen(box_of(detection, "bounding_box"), classes_of(detection))
        image_id = identity(detection.get("image_id"))
        news = self._tracks.observe(origin, track_id, moment, seen, image_id)
        return [news] if news else []

    def _event(self, origin: Origin, moment: float, event: Json) -> News:
        if event.get("type") == "TrackEnded":
            ended = identity(event.get("object_track_id"))
            return [self._tracks.end(origin, ended, moment)] if ended else []
        before, after = identity(event.get("from_id")), identity(event.get("to_id"))
        is_rename = event.get("type") == "Rename" and before and after and before != after
        return [self._tracks.rename(origin, before, after)] if is_rename else []
