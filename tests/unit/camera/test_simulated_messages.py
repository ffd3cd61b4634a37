"""Simulated messages have the shape of those that cameras send."""

from __future__ import annotations

import json
import random
import re
from base64 import b64decode
from typing import Any

import pytest

from zmhook.camera.simulated_messages import SimulatedMessage, below, write
from zmhook.camera.simulated_track import invent, with_margin
from zmhook.snapshots.snapshot import SceneBox

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
NOW = 1_780_000_000.0
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
BOX = {"left", "top", "right", "bottom"}


def track(kind: str, seed: int = 0, now: float = NOW, **known: Any) -> list[SimulatedMessage]:
    return write(kind, invent(random.Random(seed), now, picture=JPEG, **known))


def only(kind: str, **known: Any) -> dict[str, Any]:
    [message] = track(kind, seed=7, **known)
    assert message.suffix == ""
    content: dict[str, Any] = json.loads(message.payload)
    return content


def test_the_older_track_has_the_vendor_s_keys() -> None:
    content = only("consolidated_track", label="Human")
    assert list(content) == [
        *("id", "start_time", "end_time", "end_reason", "duration"),
        *("classes", "image", "observations"),
    ]
    assert content["end_reason"] == "Completed"
    assert list(content["image"]) == ["data", "timestamp", "bounding_box"]
    assert b64decode(content["image"]["data"]) == JPEG
    assert set(content["image"]["bounding_box"]) == BOX
    assert all(list(seen) == ["timestamp", "bounding_box"] for seen in content["observations"])
    human = content["classes"][0]
    assert list(human) == ["type", "score", "upper_clothing_colors", "lower_clothing_colors"]
    assert human["upper_clothing_colors"][0]["name"][0].isupper()


def test_the_newer_track_has_the_vendor_s_keys() -> None:
    content = only("object_track", label="Truck")
    assert list(content) == [
        *("channel_id", "id", "start_time", "end_time", "duration"),
        *("classes", "image", "parts", "path"),
    ]
    assert content["channel_id"] == 1
    assert list(content["image"]) == ["crop_box", "data"]
    assert list(content["parts"][0]) == ["object_track_id"]
    assert content["parts"][0]["object_track_id"] != content["id"]
    colours = [one["name"] for one in content["classes"][0]["colors"]]
    assert colours == [name.lower() for name in colours]


def test_a_snapshot_has_the_vendor_s_keys() -> None:
    content = only("object_snapshot")
    assert list(content) == [
        *("channel_id", "id", "object_track_id", "timestamp", "crop_box", "data", "class"),
    ]
    assert content["id"] != content["object_track_id"]


@pytest.mark.parametrize("kind", ["consolidated_track", "object_track"])
def test_the_track_is_one_that_just_ended(kind: str) -> None:
    content = only(kind, duration=4.5)
    assert TIME.fullmatch(content["start_time"])
    assert content["start_time"] == "2026-05-28T20:26:34.500000Z"
    assert content["end_time"] == "2026-05-28T20:26:39.000000Z"
    assert content["duration"] == 4.5


def test_the_picture_s_place_is_a_path_box_with_a_margin_of_its_width() -> None:
    """So that the capture time, which the newer format leaves out, can be found again."""
    content = only("object_track", duration=8.0, box=SceneBox(0.4, 0.4, 0.6, 0.7))
    crop = SceneBox(**content["image"]["crop_box"])
    assert crop == SceneBox(0.38, 0.38, 0.62, 0.72)
    boxes = [SceneBox(**seen["bounding_box"]) for seen in content["path"]]
    assert [with_margin(box) for box in boxes].count(crop) == 1


def test_boxes_stay_in_the_scene() -> None:
    for seed in range(200):
        [message] = track("object_track", seed=seed)
        content = json.loads(message.payload)
        boxes = [content["image"]["crop_box"], *(seen["bounding_box"] for seen in content["path"])]
        assert all(0 <= box["left"] < box["right"] <= 1 for box in boxes)
        assert all(0 <= box["top"] < box["bottom"] <= 1 for box in boxes)


def test_a_frame_names_the_snapshot_that_came_before() -> None:
    snapshot, seen, ended = (json.loads(one.payload) for one in track("frame"))
    assert seen["detections"][0]["image_id"] == snapshot["id"]
    assert seen["detections"][0]["object_track_id"] == snapshot["object_track_id"]
    assert "track_events" not in seen
    assert "detections" not in ended
    assert ended["track_events"] == [
        {"type": "TrackEnded", "object_track_id": snapshot["object_track_id"]}
    ]


def test_a_scene_description_shows_deletes_and_has_one_picture() -> None:
    frames = [json.loads(one.payload)["frame"] for one in track("scene_description")]
    pictures = [
        seen["image"] for frame in frames for seen in frame["observations"] if "image" in seen
    ]
    assert [b64decode(one["data"]) for one in pictures] == [JPEG]
    assert frames[-1]["observations"] == []
    assert frames[-1]["operations"][0]["id"] == frames[0]["observations"][0]["track_id"]


def test_frigate_s_picture_comes_between_its_events() -> None:
    new, picture, end = track("frigate", label="Human", camera="yard", duration=3)
    assert [new.suffix, picture.suffix, end.suffix] == ["events", "yard/person/snapshot", "events"]
    assert picture.payload == JPEG
    before, after = json.loads(new.payload)["after"], json.loads(end.payload)["after"]
    assert before["id"] == after["id"]
    assert (before["end_time"], after["end_time"]) == (None, NOW - 1)
    assert after["start_time"] == NOW - 4
    assert after["snapshot"]["box"][2] <= 1280


def test_raw_is_the_picture() -> None:
    assert track("raw") == [("", JPEG)]


def test_the_same_seed_says_the_same() -> None:
    assert track("object_track", seed=5) == track("object_track", seed=5)
    assert track("object_track", seed=5) != track("object_track", seed=6)


def test_every_track_has_a_name_of_its_own_however_many_there_are() -> None:
    dice = random.Random(1)
    assert len({invent(dice, NOW).track_id for _ in range(500)}) == 500


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(KeyError):
        track("onvif")


def test_a_suffix_goes_below_the_topic() -> None:
    assert below("axis/front", "") == "axis/front"
    assert below("frigate", "events") == "frigate/events"
