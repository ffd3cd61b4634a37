"""Events that are looked at by the camera's own snapshots: the real hook, a real store, photos."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from zmhook.detection import Box, Decision
from zmhook.snapshots.store.store import Store

pytestmark = pytest.mark.integration

MAN = Box(687, 160, 789, 448)
"""A person in busstop.jpg (1664x825), as YOLOv8 finds him there."""
WOMAN = Box(579, 10, 1124, 653)
"""One of two_people.jpg (1126x661)."""
CAR = Box(202, 452, 570, 578)
"""One in parking.jpg (1326x825)."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as store:
        yield store


@pytest.fixture
def configured(config: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Write a configuration that looks at snapshots; `more` are keys of [snapshots]."""

    def write(mode: str, general: str = "", rest: str = "", **more: object) -> Path:
        given = {"snapshot_path": tmp_path / "store", "snapshot_wait": 0, **more}
        keys = "\n".join(f"{key} = {value}" for key, value in given.items())
        return config(general, f"[snapshots]\nframe_source = {mode}\n{keys}\n{rest}")

    return write


def payload(said: Any) -> dict[str, Any]:
    return json.loads(said.out.partition("--SPLIT--")[2])


def near(box: list[int], other: Box, pixels: float = 3) -> bool:
    sides = other.x1, other.y1, other.x2, other.y2
    return all(abs(a - b) <= pixels for a, b in zip(box, sides, strict=True))


# -- what is found -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "box", "label", "wanted"),
    [
        ("busstop.jpg", MAN, "Human", "person"),
        ("two_people.jpg", WOMAN, "Human", "person"),
        ("parking.jpg", CAR, "Car", "car"),
    ],
)
def test_what_is_in_the_crop_is_told_in_the_scenes_pixels(
    name: str, box: Box, label: str, wanted: str, configured, event_folder, hook, store, seen, photo
) -> None:
    folder = event_folder(name)
    store.add([seen(name, box, label=label)])

    said = hook(configured("snapshots", f"detect_pattern = {wanted}"), "17", "1", "", "", folder)

    assert said.code == 0, said.err
    assert said.err == ""
    assert said.text.startswith(f"[s] detected:{wanted}:")
    found = payload(said)
    height, width = cv2.imread(str(photo(name))).shape[:2]
    assert (found["frame_id"], found["camera_frame"]) == ("snapshot", "track")
    assert found["image_dimensions"]["original"] == [height, width]
    best = max(Box(*one).iou(box) for one in found["boxes"])
    assert best > 0.75


def test_boxes_are_those_in_the_crop_moved_to_its_place(
    configured, event_folder, hook, store, seen, detect, tmp_path: Path
) -> None:
    """The crop has twice the pixels that ZoneMinder's picture has there."""
    (row,) = store.add([seen("busstop.jpg", MAN, zoom=2)])
    path = configured("snapshots", "detect_pattern = person")

    said = hook(path, "17", "1", "", "", event_folder("busstop.jpg"))
    crop = detect("-c", path, "--file", tmp_path / "store" / row.file)

    assert said.code == 0, said.err
    assert payload(crop)["frame_id"] == "snapshot"
    left, top = payload(said)["image_dimensions"]["crop"][:2]
    there = payload(crop)["boxes"]
    assert len(there) == len(payload(said)["boxes"])
    for box, (x1, y1, x2, y2) in zip(payload(said)["boxes"], there, strict=True):
        assert near(box, Box(left + x1 // 2, top + y1 // 2, left + x2 // 2, top + y2 // 2))


def test_the_camera_counts_when_it_is_trusted(configured, event_folder, hook, store, seen) -> None:
    (row,) = store.add([seen("busstop.jpg", MAN, colours=("red",), attributes={"hat": True})])
    general = "detect_pattern = person\ndetection_mode = first\nshow_models = yes"
    path = configured("snapshots", general, trust_camera="yes")

    said = hook(path, "17", "1", "", "", event_folder("dog.jpg"))

    assert said.text == "[s] detected:(camera) person:70%"
    (box,) = payload(said)["boxes"]
    assert near(box, MAN)
    assert row.label == "Human"


def test_the_whole_decision_names_the_track(
    configured, event_folder, detect, store, seen, tmp_path: Path
) -> None:
    (row,) = store.add([seen("busstop.jpg", MAN, colours=("red",), attributes={"hat": True})])
    path = configured("snapshots", "detection_mode = first", trust_camera="yes")

    said = detect("-c", path, "-e17", "-m1", "-p", event_folder("busstop.jpg"), "--json")

    decision = Decision.from_json(said.out)
    (person,) = decision.detections
    assert person.attributes == {
        "hat": True,
        "camera": "front",
        "camera_class": "Human",
        "track": row.track_id,
        "snapshot": row.number,
        "colours": "red",
    }
    assert decision.frame is not None
    assert decision.frame.origin == str(tmp_path / "store" / row.file)
    assert decision.frame.crop is not None


def test_zones_are_those_of_zoneminders_picture(
    configured, event_folder, hook, store, seen
) -> None:
    store.add([seen("busstop.jpg", MAN, zoom=2)])
    folder = event_folder("busstop.jpg")
    zone = "[monitor-{}]\nstop_zone = {}\n"
    rest = zone.format(1, "690,170 780,170 780,440 690,440") + zone.format(2, "0,0 99,0 99,99")
    store.add([seen("busstop.jpg", MAN, zoom=2, monitor_id=2, track_id="other")])
    path = configured("snapshots", "detect_pattern = person", rest)

    assert hook(path, "17", "1", "", "", folder).code == 0
    assert hook(path, "17", "2", "", "", folder)[:2] == (1, "")


def test_a_picture_without_a_place_is_looked_at_alone(
    configured, event_folder, hook, store, seen
) -> None:
    store.add([seen("busstop.jpg", MAN, crop=None, box=None)])

    said = hook(configured("snapshots"), "17", "1", "", "", event_folder("busstop.jpg"))

    assert said.text.startswith("[s] detected:person:")
    assert "crop" not in payload(said)["image_dimensions"]


# -- which pictures ------------------------------------------------------------------------------


def test_the_best_of_what_is_wanted_answers(configured, event_folder, hook, store, seen) -> None:
    store.add(
        [
            seen("parking.jpg", CAR, label="Car", score=0.99),
            seen("two_people.jpg", WOMAN, label="Human", score=0.4),
        ]
    )
    folder = event_folder()

    path = configured("snapshots", "detect_pattern = person")
    assert payload(hook(path, "17", "1", "", "", folder))["camera_frame"] == "track"
    path = configured("snapshots", "detect_pattern = car")
    assert payload(hook(path, "17", "1", "", "", folder))["labels"][0] == "car"


def test_both_looks_on_when_the_cameras_shows_nothing_wanted(
    configured, event_folder, hook, store, seen
) -> None:
    store.add([seen("parking.jpg", CAR, label="Car")])

    said = hook(configured("both", "detect_pattern = dog"), "17", "1", "", "", event_folder())

    assert said.text.startswith("[s] detected:dog:")


@pytest.mark.parametrize("label", ["Dog", ""])
def test_fallback_does_not_when_it_may_have_been_what_is_wanted(
    label: str, configured, event_folder, hook, store, seen
) -> None:
    store.add([seen("parking.jpg", CAR, label=label)])

    said = hook(configured("fallback", "detect_pattern = dog"), "17", "1", "", "", event_folder())

    assert said == (1, "", "")


def test_fallback_looks_on_when_what_the_camera_sent_is_something_else(
    configured, event_folder, hook, store, seen
) -> None:
    store.add([seen("parking.jpg", CAR, label="Car")])

    said = hook(configured("fallback", "detect_pattern = dog"), "17", "1", "", "", event_folder())

    assert said.text.startswith("[s] detected:dog:")


@pytest.mark.parametrize("mode", ["both", "fallback"])
def test_zoneminders_pictures_when_the_camera_sent_none(
    mode: str, configured, event_folder, hook, store, seen
) -> None:
    store.add([seen("parking.jpg", CAR, monitor_id=2), seen("parking.jpg", MAN, label="Head")])

    said = hook(configured(mode, "detect_pattern = dog"), "17", "1", "", "", event_folder())

    assert said.code == 0
    assert said.err == ""
    assert said.text.startswith("[s] detected:dog:")


def test_each_monitor_as_it_is_set(configured, event_folder, hook, store, seen) -> None:
    store.add([seen("busstop.jpg", MAN, monitor_id=2)])
    path = configured("portal", rest="[monitor-2]\nframe_source = snapshots\n")
    folder = event_folder()

    assert hook(path, "17", "1", "", "", folder).text.startswith("[s] detected:")
    assert hook(path, "17", "2", "", "", folder).text.startswith("[s] detected:person:")


# -- waiting -------------------------------------------------------------------------------------


def test_one_that_comes_a_second_later_is_waited_for(
    configured, event_folder, hook, store, seen
) -> None:
    def add() -> None:
        store.add([seen("busstop.jpg", MAN)])

    writer = threading.Timer(1.0, add)
    writer.start()
    folder = event_folder("busstop.jpg")

    said = hook(configured("snapshots", snapshot_wait=20), "17", "1", "", "", folder)
    writer.join()

    assert said.text.startswith("[s] detected:person:"), said.err


def test_the_wait_is_bounded(configured, event_folder, hook, store) -> None:
    began = time.monotonic()

    said = hook(configured("fallback", snapshot_wait=1), "17", "1", "", "", event_folder())

    assert time.monotonic() - began >= 1
    assert said.text.startswith("[s] detected:")


# -- none ----------------------------------------------------------------------------------------


def test_no_store_is_one_line_that_says_what_to_do(
    configured, event_folder, hook, tmp_path: Path
) -> None:
    said = hook(configured("snapshots", snapshot_wait=20), "17", "1", "", "", event_folder())

    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert str(tmp_path / "store") in said.err
    assert "snapshot_path" in said.err
    assert "zmhook snapshots run" in said.err


def test_no_store_takes_nothing_from_the_others(
    configured, event_folder, hook, tmp_path: Path
) -> None:
    said = hook(configured("both"), "17", "1", "", "", event_folder())

    assert said.text.startswith("[s] detected:")
    log = (tmp_path / "data" / "logs" / "zmesdetect_m1.log").read_text()
    assert "zmhook snapshots run" in log


def test_a_damaged_index(configured, event_folder, hook, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with sqlite3.connect(tmp_path / "store" / "index.sqlite") as connection:
        connection.execute("CREATE TABLE x (y)")
    connection.close()
    index = tmp_path / "store" / "index.sqlite"
    index.write_bytes(index.read_bytes()[:2000] + b"\xff" * 4000)

    said = hook(configured("snapshots"), "17", "1", "", "", event_folder())

    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert "Traceback" not in said.err


def test_no_snapshot_is_one_line_that_says_so(configured, event_folder, hook, store, seen) -> None:
    store.add([seen("busstop.jpg", MAN, monitor_id=3)])

    said = hook(configured("snapshots"), "17", "1", "", "", event_folder())

    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert "event 17 of monitor 1: the camera sent no snapshot of the event" in said.err


# -- what is left behind -------------------------------------------------------------------------


def test_the_event_folder_gets_the_cropped_picture_with_its_boxes(
    configured, event_folder, hook, store, seen, tmp_path: Path
) -> None:
    (row,) = store.add([seen("busstop.jpg", MAN)])
    folder = event_folder("busstop.jpg")

    said = hook(configured("snapshots"), "17", "1", "", "", folder)

    assert json.loads((folder / "objects.json").read_text()) == payload(said)
    drawn = cv2.imread(str(folder / "objdetect.jpg"))
    plain = cv2.imread(str(tmp_path / "store" / row.file))
    assert drawn.shape == plain.shape
    assert (abs(drawn.astype(int) - plain.astype(int)) > 60).any()


def test_a_snapshot_is_kept_beside_the_others(
    configured, event_folder, hook, store, seen, tmp_path: Path
) -> None:
    one = seen("busstop.jpg", MAN)
    store.add([one])
    path = configured("snapshots", "delete_after_analyze = no\nframe_id = snapshot")

    assert hook(path, "17", "1", "", "", event_folder()).code == 0
    kept = tmp_path / "data" / "images"
    assert [(file.name, file.read_bytes()) for file in kept.iterdir()] == [
        ("17-track.jpg", one.picture)
    ]
