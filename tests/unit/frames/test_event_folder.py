"""Which files in an event's folder ZoneMinder has recorded, of any version."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameUnavailable, PictureError
from zmhook.frames.base import Patience, waited_for
from zmhook.frames.event_folder import (
    EventFolder,
    Video,
    frame_number,
    is_recorded,
    stills,
    video_of,
)

CONTAINERS = ("mp4", "mkv", "webm")
CODECS = ("h264", "hevc", "vp9", "av1", "mjpeg")
WHOLE = [f"7-video.{codec}.{container}" for codec in CODECS for container in CONTAINERS]
OLD = [f"7-video.{container}" for container in CONTAINERS]
GROWING = [
    *(f"incomplete.{container}" for container in CONTAINERS),
    *(f"incomplete.{codec}.{container}" for codec in CODECS for container in CONTAINERS),
]
OURS = [
    "objdetect.mp4",
    "objdetect.gif",
    "objdetect.jpg",
    "objects.json",
    "00001-analyse.jpg",
    "index.m3u8",
    "x-video.mp4",
    "7-video.mp4.tmp",
    "7-video.txt",
    "incomplete.txt",
    "incomplete.h264",
    "7-videoXmp4",
    "00000-capture.jpg",
    "alarm.jpg.part",
]


@pytest.mark.parametrize("name", [*WHOLE, *OLD, *GROWING])
def test_videos_of_all_versions(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    grows = True if name in GROWING else None if name in OLD else False
    assert is_recorded(name)
    assert video_of(tmp_path) == Video(tmp_path / name, grows)


@pytest.mark.parametrize("name", ["alarm.jpg", "snapshot.jpg", "00042-capture.jpg"])
def test_pictures(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert is_recorded(name)
    assert video_of(tmp_path) is None


@pytest.mark.parametrize("name", OURS)
def test_what_others_put_beside_them(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert not is_recorded(name)
    assert video_of(tmp_path) is None


def test_the_numbers_of_frames(tmp_path: Path) -> None:
    for name in ("7-capture.jpg", "00042-capture.jpg", "00042-analyse.jpg", "-1-capture.jpg"):
        (tmp_path / name).touch()
    assert frame_number("0000000007-capture.jpg") == 7
    assert stills(tmp_path) == {
        7: tmp_path / "7-capture.jpg",
        42: tmp_path / "00042-capture.jpg",
    }


@pytest.mark.parametrize(
    ("names", "default", "chosen"),
    [
        # At its end 1.38.4 makes the second name before it takes the first away.
        (("incomplete.hevc.mp4", "7-video.hevc.mp4"), "", "7-video.hevc.mp4"),
        (("incomplete.hevc.mp4", "7-video.hevc.mp4"), "incomplete.hevc.mp4", "7-video.hevc.mp4"),
        (("7-video.h264.mp4", "7-video.hevc.mp4"), "7-video.h264.mp4", "7-video.h264.mp4"),
        (("6-video.mp4", "7-video.mp4", "8-video.mp4"), "", "7-video.mp4"),
        (("objdetect.mp4", "7-video.av1.webm"), "", "7-video.av1.webm"),
        (("7-video.mkv",), "../../other.mp4", "7-video.mkv"),
    ],
)
def test_which_of_several(
    tmp_path: Path, names: tuple[str, ...], default: str, chosen: str
) -> None:
    for name in names:
        (tmp_path / name).touch()
    found = video_of(tmp_path, 7, default)
    assert found
    assert found.path.name == chosen


def test_no_video(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "7-video.mp4")
    (tmp_path / "8-video.mp4").mkdir()
    (tmp_path / "9-video.mp4").symlink_to("nowhere")
    assert video_of(tmp_path) is None
    assert video_of(tmp_path / "gone") is None
    assert video_of("nul\0") is None


LIMIT = 50_000_000


@pytest.fixture
def event(tmp_path: Path, photo) -> Path:
    for name, source in {
        "snapshot.jpg": "dog.jpg",
        "alarm.jpg": "person.jpg",
        "00042-capture.jpg": "horses.jpg",
        "00042-analyse.jpg": "dog.jpg",
    }.items():
        shutil.copyfile(photo(source), tmp_path / name)
    return tmp_path


def folder(path: Path, attempts: int = 3, pause: float = 0.02, **options: bool) -> EventFolder:
    return EventFolder(path, LIMIT, Patience(attempts, pause), **options)


@pytest.mark.parametrize(
    ("frame_id", "name", "source"),
    [
        ("snapshot", "snapshot.jpg", "dog.jpg"),
        ("alarm", "alarm.jpg", "person.jpg"),
        ("42", "00042-capture.jpg", "horses.jpg"),
        ("0042", "00042-capture.jpg", "horses.jpg"),
    ],
)
def test_each_kind_of_frame(event: Path, photo, frame_id: str, name: str, source: str) -> None:
    frame = waited_for(folder(event), frame_id, Deadline(5))
    assert frame.id == frame_id
    assert frame.origin == str(event / name)
    assert frame.data == photo(source).read_bytes()


@pytest.mark.parametrize("name", ["7-capture.jpg", "007-capture.jpg", "0000000007-capture.jpg"])
def test_any_count_of_digits(event: Path, name: str) -> None:
    shutil.copy(event / "alarm.jpg", event / "00017-capture.jpg")
    shutil.copy(event / "snapshot.jpg", event / name)
    assert waited_for(folder(event), "7", Deadline(5)).origin == str(event / name)


def test_missing_may_come(event: Path) -> None:
    (event / "alarm.jpg").unlink()
    with pytest.raises(
        FrameUnavailable, match=r"alarm.jpg: there is no such file \(asked 3 times in 0.04 s\)"
    ):
        waited_for(folder(event), "alarm", Deadline(5))


def test_missing_is_final_when_somebody_else_can_be_asked(event: Path, slept: list[float]) -> None:
    for path, frame_id in ((event, "43"), (event, "objdetect"), (event / "gone", "1")):
        with pytest.raises(FrameUnavailable, match=r"there is no such (file|folder)$") as caught:
            waited_for(folder(path, 9, 9.0, missing_is_final=True), frame_id, Deadline(60))
        assert not caught.value.retry
    assert slept == []


def test_path_that_is_a_file(event: Path) -> None:
    with pytest.raises(FrameUnavailable, match="cannot be read"):
        waited_for(folder(event / "alarm.jpg"), "3", Deadline(5))


def test_picture_that_is_being_written(event: Path) -> None:
    whole = (event / "snapshot.jpg").read_bytes()
    (event / "snapshot.jpg").write_bytes(whole[:4096])
    writer = threading.Timer(0.1, (event / "snapshot.jpg").write_bytes, [whole])
    writer.start()
    frame = waited_for(folder(event, 100), "snapshot", Deadline(5))
    writer.join()
    assert frame.data == whole


def test_picture_that_stays_cut(event: Path) -> None:
    file = event / "snapshot.jpg"
    file.write_bytes(file.read_bytes()[:4096])
    with pytest.raises(PictureError, match=r"cut short.*4096 bytes.*\(asked 3 times in 0.04 s\)"):
        waited_for(folder(event, missing_is_final=True), "snapshot", Deadline(5))


def test_no_time_left(event: Path) -> None:
    with pytest.raises(DeadlineExceeded, match="reading the alarm picture"):
        waited_for(folder(event), "alarm", Deadline(0))
