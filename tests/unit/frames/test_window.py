"""When an event was: told by ZoneMinder, by the event's files, or by nobody."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.frames.window import EventWindow, crop_of, window_of
from zmhook.snapshots.snapshot import Classification, SceneBox, StoredSnapshot
from zmhook.zoneminder.event_row import event_row

BEGAN = 1_753_800_000.0
"""A moment long ago, in the middle of a summer."""

NEW_YORK = "America/New_York"


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set this machine's zone."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def local(seconds: float) -> str:
    """Return a moment as ZoneMinder's API tells it, in this machine's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def asked(row: dict[str, Any] | None, path: str = "", at: float = BEGAN) -> EventWindow:
    told = None if row is None else event_row({"Id": 7, **row})
    return window_of(Event(id=7, path=path, asked=at), told)


def write(folder: Path, at: dict[str, float], width: int = 64, height: int = 48) -> str:
    """Put an event's files there, last written at these times."""
    picture = cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()
    for name, seconds in at.items():
        (folder / name).write_bytes(picture if name.endswith(".jpg") else b"film")
        os.utime(folder / name, (seconds, seconds))
    return str(folder)


@pytest.mark.parametrize("name", ["UTC", NEW_YORK, "Asia/Kathmandu"])
def test_the_api_tells_local_time(name: str, zone) -> None:
    zone(name)
    row = {"StartDateTime": local(BEGAN), "EndDateTime": local(BEGAN + 20)}
    assert asked(row) == EventWindow(BEGAN, BEGAN + 20)


def test_the_names_of_older_versions(zone) -> None:
    zone(NEW_YORK)
    row = {"StartTime": local(BEGAN), "EndTime": local(BEGAN + 20)}
    assert asked(row) == EventWindow(BEGAN, BEGAN + 20)


def test_an_event_that_goes_on_and_its_size() -> None:
    row = {"StartDateTime": local(BEGAN), "EndDateTime": None, "Width": "1920", "Height": "1080"}
    assert asked(row) == EventWindow(BEGAN, None, 1920, 1080)


def test_an_hour_that_there_is_twice(zone) -> None:
    """On 2 November 2025 New York's clocks showed 01:30 at 05:30 and at 06:30 UTC."""
    zone(NEW_YORK)
    row = {"StartDateTime": "2025-11-02 01:30:00"}
    assert asked(row).begin == datetime.fromisoformat("2025-11-02T06:30:00+00:00").timestamp()


def test_an_event_of_the_future_is_one_of_now() -> None:
    """The database has another zone, and there is nothing to tell which."""
    now = time.time()
    assert asked({"StartDateTime": local(now + 3 * 3600)}, at=now) == EventWindow(now)


@pytest.mark.parametrize("junk", [None, "", "0000-00-00 00:00:00", "soon", 17, "9999-12-31 0:0"])
def test_a_row_that_tells_no_time(junk: object) -> None:
    assert asked({"StartDateTime": junk}) == EventWindow(BEGAN)


def test_a_row_that_nobody_tells(tmp_path: Path) -> None:
    folder = write(tmp_path, {"snapshot.jpg": BEGAN, "00009-capture.jpg": BEGAN + 9})
    assert asked(None, folder) == EventWindow(BEGAN, BEGAN + 9, 64, 48)


def test_the_folder_tells_it_without_an_api(tmp_path: Path) -> None:
    files = {"00001-capture.jpg": BEGAN, "alarm.jpg": BEGAN + 2, "7-video.mp4": BEGAN + 30}
    assert asked(None, write(tmp_path, files)) == EventWindow(BEGAN, BEGAN + 30, 64, 48)


def test_what_was_added_later_tells_nothing(tmp_path: Path) -> None:
    later = {"objdetect.jpg": BEGAN + 900, "objects.json": BEGAN + 900, "00001-analyse.jpg": 5.0}
    files = {"snapshot.jpg": BEGAN, **later}
    assert asked(None, write(tmp_path, files)) == EventWindow(BEGAN, BEGAN, 64, 48)


def test_a_folder_that_is_being_written(tmp_path: Path) -> None:
    now = time.time()
    folder = write(tmp_path, {"00001-capture.jpg": now - 60, "00009-capture.jpg": now})
    assert asked(None, folder) == EventWindow(pytest.approx(now - 60, abs=0.01), None, 64, 48)


@pytest.mark.parametrize("path", ["/no/such/folder", "nul\0", ""])
def test_no_folder(path: str) -> None:
    assert asked(None, path) == EventWindow(BEGAN)


def test_an_empty_folder(tmp_path: Path) -> None:
    assert asked(None, str(tmp_path)) == EventWindow(BEGAN)


def test_a_picture_that_is_none_tells_no_size(tmp_path: Path) -> None:
    (tmp_path / "alarm.jpg").write_bytes(b"none")
    assert asked(None, str(tmp_path))[2:] == (0, 0)


@pytest.mark.parametrize("hours", [-5, -3.5, 1, 5.75])
def test_a_database_of_another_zone(hours: float, tmp_path: Path) -> None:
    folder = write(tmp_path, {"00001-capture.jpg": BEGAN + 1, "7-video.mp4": BEGAN + 21})
    row = {
        "StartDateTime": local(BEGAN + hours * 3600),
        "EndDateTime": local(BEGAN + 20 + hours * 3600),
        "FileSystemPath": folder,
    }
    assert asked(row) == EventWindow(BEGAN, BEGAN + 20, 64, 48)


def test_files_that_were_copied_tell_no_zone(tmp_path: Path) -> None:
    folder = write(tmp_path, {"snapshot.jpg": BEGAN + 5000})
    row = {"StartDateTime": local(BEGAN), "EndDateTime": local(BEGAN + 20), "Width": "x"}
    assert asked(row, folder) == EventWindow(BEGAN, BEGAN + 20, 64, 48)


def test_another_zone_while_it_goes_on(tmp_path: Path) -> None:
    now = float(int(time.time()))
    folder = write(tmp_path, {"00001-capture.jpg": now - 10, "00020-capture.jpg": now})
    row = {"StartDateTime": local(now - 10 - 7200), "EndDateTime": None, "FileSystemPath": folder}
    assert asked(row) == EventWindow(now - 10, None, 64, 48)


RECORDINGS = ["7-video.mp4", "7-video.h264.mp4", "7-video.hevc.mp4", "7-video.av1.webm"]


@pytest.mark.parametrize("video", RECORDINGS)
@pytest.mark.parametrize("hours", [0, -5])
def test_our_own_film_is_no_recording(hours: float, video: str, tmp_path: Path) -> None:
    """It is written hours after the event when somebody looks at the event again."""
    files = {"00001-capture.jpg": BEGAN + 1, video: BEGAN + 21, "objdetect.mp4": BEGAN + 7221}
    row = {
        "StartDateTime": local(BEGAN + hours * 3600),
        "EndDateTime": local(BEGAN + 20 + hours * 3600),
        "FileSystemPath": write(tmp_path, files),
    }
    assert asked(row) == EventWindow(BEGAN, BEGAN + 20, 64, 48)
    assert asked(None, str(tmp_path)) == EventWindow(BEGAN + 1, BEGAN + 21, 64, 48)


def test_the_seconds_since_the_epoch_need_no_zone(tmp_path: Path, zone) -> None:
    zone(NEW_YORK)
    folder = write(tmp_path, {"00001-capture.jpg": BEGAN + 3600, "7-video.hevc.mp4": BEGAN + 3621})
    row = {
        "StartDateTime": local(BEGAN + 7 * 3600),
        "StartTimeSecs": int(BEGAN),
        "EndDateTime": local(BEGAN + 7 * 3600 + 20),
        "EndTimeSecs": int(BEGAN) + 20,
        "FileSystemPath": folder,
    }
    assert asked(row) == EventWindow(BEGAN, BEGAN + 20, 64, 48)


def test_an_end_that_is_only_the_length_so_far(tmp_path: Path) -> None:
    """Since 1.38.3 EndTime and EndTimeSecs are never null; only EndDateTime tells."""
    now = float(int(time.time()))
    folder = write(tmp_path, {"incomplete.hevc.mp4": now, "snapshot.jpg": now})
    row = {
        "StartDateTime": local(now - 10),
        "StartTimeSecs": now - 10,
        "EndDateTime": None,
        "EndTime": local(now - 5),
        "EndTimeSecs": now - 5,
        "FileSystemPath": folder,
    }
    assert asked(row) == EventWindow(now - 10, None, 64, 48)


NO_SIZE = EventWindow(0.0)


def row(**more: object) -> StoredSnapshot:
    given = {
        "number": 5,
        "file": "0000/image_00005_Human.jpg",
        "size": 1000,
        "sha256": "0" * 64,
        "camera": "front",
        "topic": "t",
        "format": "f",
        "track_id": "t1",
        "taken": 0.0,
        "received": 0.0,
        "label": "Human",
        "score": 0.75,
        "crop": SceneBox(0.25, 0.5, 0.5, 0.75),
        **more,
    }
    return StoredSnapshot(**given)


def test_the_scene_has_the_size_that_the_crop_was_cut_from() -> None:
    crop = crop_of(row(), 480, 270, NO_SIZE)
    assert (crop.width, crop.height) == (1920, 1080)
    assert crop.box == Box(480, 540, 960, 810)
    assert crop.located


def test_the_events_size_where_it_is_known() -> None:
    """ZoneMinder records a smaller stream of the same camera; zones are in its pixels."""
    crop = crop_of(row(), 480, 270, EventWindow(0.0, None, 640, 360))
    assert (crop.width, crop.height) == (640, 360)
    assert crop.box == Box(160, 180, 320, 270)


@pytest.mark.parametrize("size", [(640, 480), (1080, 1920)])
def test_an_event_of_another_shape_is_another_view(size: tuple[int, int]) -> None:
    crop = crop_of(row(), 480, 270, EventWindow(0.0, None, *size))
    assert (crop.width, crop.height) == (1920, 1080)


def test_a_small_crop_cannot_tell_the_shape_so_well() -> None:
    tiny = SceneBox(0.5, 0.5, 0.5 + 10.4 / 1920, 0.5 + 9.6 / 1080)
    crop = crop_of(row(crop=tiny), 10, 10, EventWindow(0.0, None, 1920, 1080))
    assert (crop.width, crop.height) == (1920, 1080)


@pytest.mark.parametrize(
    "crop",
    [
        None,
        SceneBox(0.5, 0.5, 0.5, 0.9),
        SceneBox(0.9, 0.5, 0.1, 0.9),
        SceneBox(0.5, 0.5, 0.500001, 0.500001),
        SceneBox(0.0, 0.0, 900.0, 900.0),
    ],
)
def test_a_picture_whose_place_is_not_told_is_its_own_scene(crop: SceneBox | None) -> None:
    found = crop_of(row(crop=crop, box=SceneBox(0.5, 0.5, 0.6, 0.6)), 480, 270, NO_SIZE)
    everything = Box(0, 0, 480, 270)
    assert (found.box, found.width, found.height, found.located) == (everything, 480, 270, False)
    assert found.source is not None
    assert (found.source.label, found.source.box) == ("person", everything)


def test_what_the_camera_says() -> None:
    said = crop_of(
        row(
            box=SceneBox(0.3, 0.55, 0.45, 0.7),
            colours=("red", "black"),
            classes=(Classification("Human", 0.75), Classification("Car", 0.2)),
            attributes={"hat": "yes", "camera": "another"},
        ),
        480,
        270,
        NO_SIZE,
    ).source
    assert said == Detection(
        label="person",
        confidence=0.75,
        box=Box(576, 594, 864, 756),
        model="camera",
        attributes={
            "hat": "yes",
            "camera": "front",
            "camera_class": "Human",
            "track": "t1",
            "snapshot": 5,
            "colours": "red, black",
        },
    )


def test_a_class_without_box_and_score() -> None:
    said = crop_of(row(score=None), 480, 270, NO_SIZE).source
    assert said is not None
    assert (said.confidence, said.box) == (0.0, Box(480, 540, 960, 810))
    assert "colours" not in said.attributes


def test_no_class() -> None:
    assert crop_of(row(label="", score=None), 480, 270, NO_SIZE).source is None


shares = st.floats(-0.2, 1.2, allow_nan=False)
scene_boxes = st.builds(SceneBox, shares, shares, shares, shares)


@given(st.none() | scene_boxes, st.none() | scene_boxes, st.integers(1, 500), st.integers(1, 500))
def test_whatever_a_camera_sends_is_a_crop(
    crop: SceneBox | None, box: SceneBox | None, width: int, height: int
) -> None:
    found = crop_of(row(crop=crop, box=box), width, height, EventWindow(0.0, None, 1280, 720))
    assert within(found.box, found)
    assert found.source is not None
    assert within(found.source.box, found)


def within(box: Box, crop: Crop) -> bool:
    return 0 <= box.x1 < box.x2 <= crop.width and 0 <= box.y1 < box.y2 <= crop.height
