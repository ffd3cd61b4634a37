"""The snapshot of an object that may still be there, which a camera sends before its track ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.snapshots.formats.classes import Classes
from zmhook.snapshots.formats.times import settled
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox

if TYPE_CHECKING:
    from zmhook.snapshots.formats.arrival import Arrival, Origin
    from zmhook.snapshots.formats.tracks import Track


class Shown(NamedTuple):
    """A picture in a message and what is said of it; `timestamp` is as the message has it."""

    format: str
    track_id: str
    timestamp: Any
    picture: bytes
    classes: Classes
    box: SceneBox | None
    crop: SceneBox | None


def under_way(arrival: Arrival, origin: Origin, shown: Shown, track: Track) -> BestSnapshot:
    """Return the snapshot, with the beginning and end that earlier frames told of its track."""
    when = settled(origin.clock.ours(shown.timestamp), None, None, arrival.received)
    # The track's times were put right when its frames came, should the clock be ahead.
    times = settled(when.taken, track.start, track.end, arrival.received)
    ahead = {"clock_ahead_s": when.ahead} if when.ahead else {}
    return BestSnapshot(
        camera=origin.place.camera,
        monitor_id=origin.place.monitor_id,
        channel=origin.channel,
        topic=arrival.topic,
        format=shown.format,
        track_id=shown.track_id,
        taken=times.taken,
        received=arrival.received,
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


def moment_of(arrival: Arrival, origin: Origin, timestamp: Any) -> float:
    """Return when a frame was, by our clock; when it came, if it does not say so or cannot be."""
    return settled(origin.clock.ours(timestamp), None, None, arrival.received).taken
