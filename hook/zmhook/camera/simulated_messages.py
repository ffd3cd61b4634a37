"""Write a simulated track in each camera's format, with the keys of the vendor's samples.

    for suffix, payload in write("object_track", invent(dice, time.time(), picture=jpeg)):
        client.publish(below("axis/front/track", suffix), payload, qos=1)

Sources: Axis scene metadata, data sources (`com.axis.consolidated_track.v1.beta`,
`com.axis.scene.object_track.v1`, `com.axis.scene.object_snapshot.v1`,
`com.axis.analytics_scene_description.v0.beta`, `com.axis.scene.frame.v1`); Frigate,
integrations/mqtt. The `v1` formats write colours in lower case, give no time of the picture and
call its place `crop_box`; the older ones capitalise, and have `timestamp` and `bounding_box`.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import json, structs

from zmhook.labels import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.camera.simulated_track import PathPoint, SimulatedTrack
    from zmhook.snapshots.snapshot import SceneBox

FRIGATE_SIZE = (1280, 720)
"""Pixels of the picture that Frigate detects on, which its boxes speak of."""


class SimulatedMessage(NamedTuple):
    """What is published. `suffix` is the topic below the camera's own; empty: that itself."""

    suffix: str
    payload: bytes


def write(format: str, track: SimulatedTrack) -> list[SimulatedMessage]:  # noqa: A002 - what everybody calls it
    """Return what a camera sends about a track. Raises `KeyError` for an unknown format."""
    return _WRITERS[format](track)


def below(topic: str, suffix: str) -> str:
    """Return the topic that a message goes to."""
    return f"{topic}/{suffix}" if suffix else topic


# -- Axis, a message a track ---------------------------------------------------------------------


def _consolidated_track(track: SimulatedTrack) -> list[SimulatedMessage]:
    image = {
        "data": _base64(track),
        "timestamp": iso(track.taken.time),
        "bounding_box": structs.asdict(track.crop),
    }
    content = {
        "id": track.track_id,
        "start_time": iso(track.start),
        "end_time": iso(track.end),
        "end_reason": "Completed",
        "duration": _duration(track),
        "classes": [track.classification],
        "image": image,
        "observations": _path(track),
    }
    return [_message(content)]


def _object_track(track: SimulatedTrack) -> list[SimulatedMessage]:
    content = {
        "channel_id": 1,
        "id": track.track_id,
        "start_time": iso(track.start),
        "end_time": iso(track.end),
        "duration": _duration(track),
        "classes": [_with_small_letters(track.classification)],
        "image": {"crop_box": structs.asdict(track.crop), "data": _base64(track)},
        "parts": [{"object_track_id": track.part_id}],
        "path": _path(track),
    }
    return [_message(content)]


def _object_snapshot(track: SimulatedTrack) -> list[SimulatedMessage]:
    content = {
        "channel_id": 1,
        "id": track.snapshot_id,
        "object_track_id": track.track_id,
        "timestamp": iso(track.taken.time),
        "crop_box": structs.asdict(track.crop),
        "data": _base64(track),
        "class": {"type": track.label, "score": track.score},
    }
    return [_message(content)]


# -- Axis, several messages a track --------------------------------------------------------------


def _scene_description(track: SimulatedTrack) -> list[SimulatedMessage]:
    """Write a frame when it is first seen, one with the picture, and one that says it has gone."""
    taken = _observation(track, track.taken)
    taken["image"] = {"data": _base64(track), "bounding_box": structs.asdict(track.crop)}
    gone = {"type": "DeleteOperation", "id": track.track_id}
    return [
        _scene(track.start, [_observation(track, track.path[0])], []),
        _scene(track.taken.time, [taken], []),
        _scene(track.end, [], [gone]),
    ]


def _observation(track: SimulatedTrack, point: PathPoint) -> dict[str, Any]:
    return {
        "track_id": track.track_id,
        **_sighting(point),
        "class": track.classification,
    }


def _scene(
    moment: float, observations: list[dict[str, Any]], operations: list[dict[str, Any]]
) -> SimulatedMessage:
    frame = {"timestamp": iso(moment), "observations": observations, "operations": operations}
    return _message({"frame": frame})


def _frame(track: SimulatedTrack) -> list[SimulatedMessage]:
    """Write the picture by itself, the frame that names it, and the one in which it ends.

    What a frame has nothing of is left out, as cameras do.
    """
    detection = {
        "object_track_id": track.track_id,
        "bounding_box": structs.asdict(track.taken.box),
        "class": {"type": track.label, "score": track.score},
        "image_id": track.snapshot_id,
    }
    ended = {"type": "TrackEnded", "object_track_id": track.track_id}
    shown = {"channel_id": 1, "timestamp": iso(track.taken.time), "detections": [detection]}
    last = {"channel_id": 1, "timestamp": iso(track.end), "track_events": [ended]}
    return [*_object_snapshot(track), _message(shown), _message(last)]


# -- Others --------------------------------------------------------------------------------------


def _frigate(track: SimulatedTrack) -> list[SimulatedMessage]:
    """Write the event, the picture under the camera's and the label's name, the event's end."""
    label = common(track.label)
    tracked: dict[str, Any] = {
        "id": f"{track.start:.6f}-{track.track_id[:6]}",
        "camera": track.camera,
        "label": label,
        "sub_label": None,
        "top_score": track.score,
        "false_positive": False,
        "start_time": track.start,
        "current_zones": [],
        "entered_zones": [],
        "has_clip": False,
        "stationary": False,
    }
    first = tracked | _frigate_at(track, track.path[0]) | {"snapshot": None, "has_snapshot": False}
    best = tracked | _frigate_at(track, track.taken)
    gone = best | _frigate_at(track, track.path[-1]) | {"end_time": track.end}
    return [
        _message({"type": "new", "before": first, "after": best}, "events"),
        SimulatedMessage(f"{track.camera}/{label}/snapshot", track.picture),
        _message({"type": "end", "before": best, "after": gone}, "events"),
    ]


def _frigate_at(track: SimulatedTrack, point: PathPoint) -> dict[str, Any]:
    """Return what changes while the object is followed; Frigate counts in pixels."""
    taken = {
        "frame_time": track.taken.time,
        "box": _pixels(track.taken.box),
        "score": track.score,
    }
    return {
        "frame_time": point.time,
        "end_time": None,
        "score": track.score,
        "box": _pixels(point.box),
        "has_snapshot": True,
        "snapshot": taken,
    }


def _pixels(box: SceneBox) -> list[int]:
    edges = zip(structs.astuple(box), FRIGATE_SIZE * 2, strict=True)
    return [round(edge * side) for edge, side in edges]


def _raw(track: SimulatedTrack) -> list[SimulatedMessage]:
    """Write nothing but the picture, as Home Assistant and small cameras send it."""
    return [SimulatedMessage("", track.picture)]


# -- What they are made of -----------------------------------------------------------------------


def iso(moment: float) -> str:
    """Return seconds since the epoch as cameras write them: UTC, microseconds, `Z`."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _message(content: dict[str, Any], suffix: str = "") -> SimulatedMessage:
    return SimulatedMessage(suffix, json.encode(content))


def _base64(track: SimulatedTrack) -> str:
    return b64encode(track.picture).decode()


def _duration(track: SimulatedTrack) -> float:
    return round(track.end - track.start, 3)


def _path(track: SimulatedTrack) -> list[dict[str, Any]]:
    return list(map(_sighting, track.path))


def _sighting(point: PathPoint) -> dict[str, Any]:
    return {"timestamp": iso(point.time), "bounding_box": structs.asdict(point.box)}


def _with_small_letters(classification: dict[str, Any]) -> dict[str, Any]:
    """Return a class as the newer formats have it, with the names of colours in lower case."""
    return {
        key: [{**colour, "name": colour["name"].lower()} for colour in value]
        if isinstance(value, list)
        else value
        for key, value in classification.items()
    }


_WRITERS: dict[str, Callable[[SimulatedTrack], list[SimulatedMessage]]] = {
    "consolidated_track": _consolidated_track,
    "object_track": _object_track,
    "object_snapshot": _object_snapshot,
    "scene_description": _scene_description,
    "frame": _frame,
    "frigate": _frigate,
    "raw": _raw,
}
FORMATS = tuple(_WRITERS)
