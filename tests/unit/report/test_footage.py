from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec import json

from zmhook.detection import Decision, FrameInfo
from zmhook.event import Event
from zmhook.jobs.work import Work
from zmhook.report import footage as module
from zmhook.report.footage import footage_of
from zmhook.settings import General, Settings

LONG_AGO = 1_700_000_000.0


def plain(level: int):
    return np.full((48, 64, 3), level, np.uint8)


@pytest.fixture
def work(tmp_path: Path) -> Callable[..., Work]:
    def make(frame_id: str = "snapshot", asked: float = LONG_AGO, portal: str = "") -> Work:
        frame = FrameInfo(id=frame_id, origin="", width=64, height=48)
        event = Event(id=7, asked=asked)
        general = General(portal=portal, base_data_path=str(tmp_path / "data"))
        return Work(Decision(event=event, outcome="alarm", frame=frame), Settings(general=general))

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "7"
    folder.mkdir()
    return folder


@pytest.fixture
def stills(folder: Path) -> Path:
    """A hundred frames, ten in a second; number n is of brightness n."""
    for number in range(1, 101):
        path = folder / f"{number:05}-capture.jpg"
        cv2.imwrite(str(path), plain(number))
        os.utime(path, (LONG_AGO + number / 10, LONG_AGO + number / 10))
    return folder


@pytest.fixture
def video(folder: Path) -> Path:
    """Fifty frames, ten in a second, written at once when the event was over."""
    path = folder / "7-video.mp4"
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, 10.0, (64, 48))
    for number in range(1, 51):
        writer.write(plain(5 * number))
    writer.release()
    os.utime(path, (LONG_AGO + 5, LONG_AGO + 5))
    return folder


def levels(footage, numbers: list[int]) -> list[int]:
    return [round(float(image.mean())) for image in footage.frames(numbers)]


def test_files(stills: Path, work) -> None:
    footage = footage_of(work("42"), stills)
    assert (footage.first, footage.last, footage.at) == (1, 100, 42)
    assert footage.rate == pytest.approx(10, rel=0.01)
    assert not footage.grows
    assert levels(footage, [1, 42, 100]) == pytest.approx([1, 42, 100], abs=3)


def test_files_that_are_missing_or_damaged_are_left_out(stills: Path, work) -> None:
    (stills / "00002-capture.jpg").unlink()
    (stills / "00003-capture.jpg").write_bytes(b"\xff\xd8")
    assert levels(footage_of(work("42"), stills), [1, 2, 3, 4]) == pytest.approx([1, 4], abs=2)


@pytest.mark.parametrize("name", ["alarm", "snapshot"])
def test_the_frame_that_has_a_name(name: str, stills: Path, work) -> None:
    picture = stills / f"{name}.jpg"
    picture.touch()
    os.utime(picture, (LONG_AGO + 3, LONG_AGO + 3))
    assert footage_of(work(name), stills).at == 30


def test_else_the_time_tells(stills: Path, work) -> None:
    assert footage_of(work("snapshot", LONG_AGO + 5), stills).at == 50
    assert footage_of(work("snapshot", LONG_AGO - 5), stills).at == 1
    assert footage_of(work("snapshot", LONG_AGO + 500), stills).at == 100


def test_an_event_that_still_grows(stills: Path, work) -> None:
    now = time.time()
    os.utime(stills / "00100-capture.jpg", (now, now))
    assert footage_of(work("42"), stills).grows


def test_files_of_one_time_have_an_assumed_rate(stills: Path, work) -> None:
    for path in stills.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert footage_of(work("42"), stills).rate == module.ASSUMED_RATE


def test_a_video(video: Path, work) -> None:
    footage = footage_of(work("20"), video)
    assert (footage.first, footage.last, footage.at, footage.grows) == (1, 50, 20, False)
    assert footage.rate == pytest.approx(10)
    assert levels(footage, [10, 12, 50]) == pytest.approx([50, 60, 250], abs=6)


def test_a_video_of_which_somebody_looked_at_frames(video: Path, work) -> None:
    for number in (1, 2, 30):
        (video / f"{number:05}-capture.jpg").touch()
    footage = footage_of(work("20"), video)
    assert (footage.first, footage.last) == (1, 50)


def test_a_moment_of_a_video(video: Path, work) -> None:
    (video / "alarm.jpg").touch()
    os.utime(video / "alarm.jpg", (LONG_AGO + 2, LONG_AGO + 2))
    assert footage_of(work("alarm"), video).at == 20


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x20ftypisom" + b"\0" * 5000])
def test_a_video_without_its_end(content: bytes, folder: Path, work) -> None:
    (folder / "7-video.mp4").write_bytes(content)
    assert footage_of(work(), folder) is None


def test_nothing_there_yet(folder: Path, work) -> None:
    assert footage_of(work(), folder) is None


# -- the portal ------------------------------------------------------------------------------------


@pytest.fixture
def zoneminder(endpoint, monkeypatch):
    """An event of 60 frames, 10 in a second; frames 3 to 5 are not to be had."""
    row = {
        "Id": "7",
        "Frames": "60",
        "Length": "6.00",
        "AlarmFrameId": "12",
        "MaxScoreFrameId": "30",
        "EndDateTime": "2025-01-01 00:00:00",
    }

    def answer(posted):
        if posted.path.startswith("/api/events/7.json"):
            return 200, {}, json.encode({"event": {"Event": row}})
        number = int(posted.path.rpartition("fid=")[2])
        if number in (3, 4, 5):
            return 404, {}, b""
        return 200, {}, cv2.imencode(".jpg", plain(4 * number))[1].tobytes()

    monkeypatch.setattr(endpoint, "answer", answer)
    endpoint.row = row
    return endpoint


@pytest.mark.parametrize(("frame_id", "at"), [("42", 42), ("alarm", 12), ("snapshot", 30)])
def test_the_portal(frame_id: str, at: int, zoneminder, folder, work) -> None:
    footage = footage_of(work(frame_id, portal=zoneminder.url), folder)
    assert (footage.first, footage.last, footage.at, footage.grows) == (1, 60, at, False)
    assert footage.rate == pytest.approx(10)
    assert levels(footage, [2, 3, 4, 5, 6]) == pytest.approx([8, 24], abs=3)


def test_the_portal_is_not_asked_for_ever(zoneminder, folder, work, monkeypatch) -> None:
    footage = footage_of(work("1", portal=zoneminder.url), folder)
    assert len(levels(footage, list(range(6, 61)))) <= module.MOST_ASKED
    monkeypatch.setattr(module, "ASKING_SECONDS", -1.0)
    assert levels(footage, [10, 11]) == []


def test_an_event_of_the_portal_that_goes_on(zoneminder, folder, work) -> None:
    zoneminder.row["EndDateTime"] = None
    assert footage_of(work(portal=zoneminder.url), folder).grows
    zoneminder.row["Frames"] = None
    assert footage_of(work(portal=zoneminder.url), folder) is None
