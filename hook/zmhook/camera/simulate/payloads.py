"""Write a simulated track in each camera's format.

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

from msgspec import json

from zmhook.labels.camera import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.camera.simulate.track import ObjectClass, PathPoint, SimulatedTrack
    from zmhook.snapshots.snapshot import SceneBox

FRIGATE_SIZE = (1280, 720)
"""Pixels of the picture that Frigate detects on, which its boxes speak of."""


class SimulatedMessage(NamedTuple):
    """What is published. `suffix` is the topic below the camera's own; empty: that itself."""

    suffix: str
    payload: bytes


# -- Axis, a message a track ---------------------------------------------------------------------


def consolidated_track(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    del camera
    return _message(
        {
            "id": track.track_id,
            "start_time": iso(track.start),
            "end_time": iso(track.end),
            "end_reason": "Completed",
            "duration": _duration(track),
            "classes": _beta_classes(track),
            "image": {
                "data": _base64(track),
                "timestamp": iso(track.taken.time),
                "bounding_box": _box(track.crop),
            },
            "observations": _path(track),
        }
    )


def object_track(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    del camera
    return _message(
        {
            "channel_id": track.channel,
            "id": track.track_id,
            "start_time": iso(track.start),
            "end_time": iso(track.end),
            "duration": _duration(track),
            "classes": _v1_classes(track),
            "image": {"crop_box": _box(track.crop), "data": _base64(track)},
            "parts": [{"object_track_id": track.part_id}],
            "path": _path(track),
        }
    )


def object_snapshot(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    del camera
    return _message(
        {
            "channel_id": track.channel,
            "id": track.snapshot_id,
            "object_track_id": track.track_id,
            "timestamp": iso(track.taken.time),
            "crop_box": _box(track.crop),
            "data": _base64(track),
            "class": {"type": track.classes[0].name, "score": track.classes[0].score},
        }
    )


# -- Axis, several messages a track --------------------------------------------------------------


def scene_description(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    """Write a frame when it is first seen, one with the picture, and one that says it has gone."""
    del camera
    taken = _observation(track, track.taken)
    taken["image"] = {"data": _base64(track), "bounding_box": _box(track.crop)}
    gone = {"type": "DeleteOperation", "id": track.track_id}
    return [
        *_frame(track.path[0].time, [_observation(track, track.path[0])], []),
        *_frame(track.taken.time, [taken], []),
        *_frame(track.end, [], [gone]),
    ]


def _observation(track: SimulatedTrack, sight: PathPoint) -> dict[str, Any]:
    return {
        "track_id": track.track_id,
        "timestamp": iso(sight.time),
        "bounding_box": _box(sight.box),
        "class": _beta_classes(track)[0],
    }


def _frame(
    moment: float, observations: list[dict[str, Any]], operations: list[dict[str, Any]]
) -> list[SimulatedMessage]:
    frame = {"timestamp": iso(moment), "observations": observations, "operations": operations}
    return _message({"frame": frame})


def frame(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    """Write the picture by itself, the frame that names it, and the one in which it ends."""
    detection = {
        "object_track_id": track.track_id,
        "bounding_box": _box(track.taken.box),
        "class": {"type": track.classes[0].name, "score": track.classes[0].score},
        "image_id": track.snapshot_id,
    }
    ended = {"type": "TrackEnded", "object_track_id": track.track_id}
    return [
        *object_snapshot(track, camera),
        *_message(_frame_v1(track, track.taken.time, "detections", detection)),
        *_message(_frame_v1(track, track.end, "track_events", ended)),
    ]


def _frame_v1(
    track: SimulatedTrack, moment: float, key: str, value: dict[str, Any]
) -> dict[str, Any]:
    """Leave out what a frame has nothing of, as cameras do."""
    return {"channel_id": track.channel, "timestamp": iso(moment), key: [value]}


# -- Others --------------------------------------------------------------------------------------


def frigate(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    """Write the event, the picture under the camera's and the label's name, the event's end."""
    label = common(track.classes[0].name)
    tracked: dict[str, Any] = {
        "id": frigate_id(track),
        "camera": camera,
        "label": label,
        "sub_label": None,
        "top_score": track.classes[0].score,
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
        *_message({"type": "new", "before": first, "after": best}, "events"),
        SimulatedMessage(f"{camera}/{label}/snapshot", track.picture),
        *_message({"type": "end", "before": best, "after": gone}, "events"),
    ]


def _frigate_at(track: SimulatedTrack, sight: PathPoint) -> dict[str, Any]:
    """Return what changes while the object is followed; Frigate counts in pixels."""
    score = track.classes[0].score
    return {
        "frame_time": sight.time,
        "end_time": None,
        "score": score,
        "box": _pixels(sight.box),
        "has_snapshot": True,
        "snapshot": {
            "frame_time": track.taken.time,
            "box": _pixels(track.taken.box),
            "score": score,
        },
    }


def frigate_id(track: SimulatedTrack) -> str:
    """Return the track's id in Frigate's form: when it began, and a few letters."""
    return f"{track.start:.6f}-{track.track_id[:6]}"


def _pixels(box: SceneBox) -> list[int]:
    width, height = FRIGATE_SIZE
    return [
        round(box.left * width),
        round(box.top * height),
        round(box.right * width),
        round(box.bottom * height),
    ]


def raw(track: SimulatedTrack, camera: str) -> list[SimulatedMessage]:
    """Write nothing but the picture, as Home Assistant and small cameras send it."""
    del camera
    return [SimulatedMessage("", track.picture)]


# -- What they are made of -----------------------------------------------------------------------


def iso(moment: float) -> str:
    """Return seconds since the epoch as cameras write them: UTC, microseconds, `Z`."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _message(content: dict[str, Any], suffix: str = "") -> list[SimulatedMessage]:
    return [SimulatedMessage(suffix, json.encode(content))]


def _base64(track: SimulatedTrack) -> str:
    return b64encode(track.picture).decode()


def _duration(track: SimulatedTrack) -> float:
    return round(track.end - track.start, 3)


def _path(track: SimulatedTrack) -> list[dict[str, Any]]:
    return [{"timestamp": iso(sight.time), "bounding_box": _box(sight.box)} for sight in track.path]


def _box(box: SceneBox) -> dict[str, float]:
    return {"left": box.left, "top": box.top, "right": box.right, "bottom": box.bottom}


def _beta_classes(track: SimulatedTrack) -> list[dict[str, Any]]:
    return [_class(entry, str) for entry in track.classes]


def _v1_classes(track: SimulatedTrack) -> list[dict[str, Any]]:
    return [_class(entry, str.lower) for entry in track.classes]


def _class(entry: ObjectClass, written: Callable[[str], str]) -> dict[str, Any]:
    colours = {
        key: [{"name": written(colour.name), "score": colour.score} for colour in colours]
        for key, colours in entry.colours.items()
    }
    return {"type": entry.name, "score": entry.score, **colours, **entry.attributes}


WRITERS: dict[str, Callable[[SimulatedTrack, str], list[SimulatedMessage]]] = {
    "consolidated_track": consolidated_track,
    "object_track": object_track,
    "object_snapshot": object_snapshot,
    "scene_description": scene_description,
    "frame": frame,
    "frigate": frigate,
    "raw": raw,
}
