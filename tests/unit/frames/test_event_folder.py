from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameUnavailable, PictureError
from zmhook.frames.base import Patience, waited_for
from zmhook.frames.event_folder import EventFolder

LIMIT = 50_000_000


@pytest.fixture
def event(tmp_path: Path, photo) -> Path:
    for name, source in {
        "snapshot.jpg": "dog.jpg",
        "alarm.jpg": "person.jpg",
        "00042-capture.jpg": "horses.jpg",
        "00042-analyse.jpg": "dog.jpg",
    }.items():
        shutil.copy(photo(source), tmp_path / name)
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
