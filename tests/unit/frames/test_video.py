"""Frames out of a video, whose pictures tell their own number by eight bars."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameUnavailable, PictureError
from zmhook.event import Event
from zmhook.frames.base import Patience, Pending, waited_for
from zmhook.frames.portal import EventRows
from zmhook.frames.video import VideoFrames, length
from zmhook.image.decode import frame_of

FRAMES = 200
BAR = 16


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("event") / "7-video.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (8 * BAR, 64))
    for i in range(1, FRAMES + 1):
        bars = np.array([255 * (i >> bit & 1) for bit in range(8)], np.uint8)
        writer.write(np.tile(bars.repeat(BAR)[None, :, None], (64, 1, 3)))
    writer.release()
    return path


def number_in(video: Path, number: int) -> int:
    picture = waited_for(VideoFrames(video.parent, 10_000), str(number), Deadline(5))
    assert picture.id == str(number)
    bars = frame_of(picture).image.mean(axis=(0, 2)).reshape(8, BAR).mean(axis=1)
    return int(sum(1 << bit for bit, light in enumerate(bars) if light > 127))


@pytest.mark.parametrize("number", [1, 2, 100, 150, 151, 200])
def test_a_frame_by_its_number(video: Path, number: int) -> None:
    assert number_in(video, number) == number


def test_length(video: Path, tmp_path: Path) -> None:
    assert length(video) == FRAMES
    (tmp_path / "8-video.mp4").write_bytes(b"not a video")
    assert length(tmp_path / "8-video.mp4") == 0


def test_what_it_does_not_have(video: Path) -> None:
    frames = VideoFrames(video.parent, 10_000)
    with pytest.raises(FrameUnavailable, match=r"7-video.mp4: has no frame 201, only 200"):
        waited_for(frames, "201", Deadline(5))
    with pytest.raises(FrameUnavailable, match=r"by number, not objdetect"):
        waited_for(frames, "objdetect", Deadline(5))
    with pytest.raises(PictureError, match="max_picture_pixels"):
        waited_for(VideoFrames(video.parent, 100), "1", Deadline(5))
    with pytest.raises(DeadlineExceeded):
        waited_for(frames, "1", Deadline(0))


def test_one_that_is_still_being_written(video: Path, tmp_path: Path) -> None:
    part = tmp_path / "9-video.mp4"
    part.write_bytes(video.read_bytes()[:2000])
    with pytest.raises(FrameUnavailable, match="still being recorded, or damaged") as caught:
        waited_for(VideoFrames(part.parent, 10_000), "1", Deadline(5))
    assert caught.value.retry


# -- whatever it is called -------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["mp4", "mkv", "webm"])
@pytest.mark.parametrize("codec", ["", "h264.", "hevc.", "vp9.", "av1."])
def test_whole_ones_of_all_versions(
    video: Path, tmp_path: Path, codec: str, container: str
) -> None:
    shutil.copy(video, tmp_path / f"7-video.{codec}{container}")
    frames = VideoFrames(tmp_path, 10_000, event_id=7)
    found = waited_for(frames, "3", Deadline(5))
    assert found.origin == f"{tmp_path}/7-video.{codec}{container}: frame 3"


@pytest.fixture(scope="module")
def matroska(video: Path, tmp_path_factory) -> Path:
    """The same as a Matroska file, which can be read without its end."""
    if not shutil.which("ffmpeg"):
        pytest.skip("optional: there is no ffmpeg")
    path = tmp_path_factory.mktemp("mkv") / "whole.mkv"
    command = ["ffmpeg", "-loglevel", "error", "-i", str(video), "-c", "copy", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


@pytest.mark.parametrize("name", ["incomplete.mkv", "incomplete.h264.mkv", "incomplete.vp9.webm"])
def test_one_that_is_recorded_is_read_as_far_as_it_can_be(
    matroska: Path, tmp_path: Path, name: str
) -> None:
    whole = matroska.read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    frames = VideoFrames(tmp_path, 10_000, Patience(2, 0.0))
    assert waited_for(frames, "2", Deadline(5)).origin == f"{tmp_path / name}: frame 2"
    with pytest.raises(
        FrameUnavailable, match=r"frame 190 cannot be decoded \(yet\).*asked 2 times"
    ):
        waited_for(frames, "190", Deadline(5))


@pytest.mark.parametrize("name", ["incomplete.mp4", "incomplete.hevc.mp4", "7-video.mp4"])
def test_one_that_cannot_be_read_yet_may_be_later(video: Path, tmp_path: Path, name: str) -> None:
    data = video.read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    frames = VideoFrames(tmp_path, 10_000, Patience(3, 0.0), event_id=7)
    found = frames.attempt("2", Deadline(5))
    assert isinstance(found, Pending)
    assert "still being recorded" in str(found.error)

    (tmp_path / name).unlink()
    shutil.copy(video, tmp_path / "7-video.hevc.mp4")
    assert not isinstance(frames.attempt("2", Deadline(5)), Pending)


Fields = dict[str, object]


class Told:
    """A portal that tells one row."""

    def __init__(self, **row: object) -> None:
        self.row = row

    def event(self, event_id: int, deadline: Deadline) -> dict[str, object]:
        return {"Id": event_id, "EndDateTime": "2026-07-29 17:05:03", **self.row}


@pytest.mark.parametrize(
    ("row", "alarm", "snapshot"),
    [
        ({"AlarmFrameId": "12", "MaxScoreFrameId": 31, "Frames": 200}, 12, 31),
        ({"AlarmFrameId": 0, "MaxScoreFrameId": 900, "Frames": 900}, 50, 100),
        ({}, 50, 100),
    ],
)
def test_pictures_with_names(
    video: Path, row: dict[str, object], alarm: int, snapshot: int
) -> None:
    rows = EventRows(Event(id=7), Told(**row))
    frames = VideoFrames(video.parent, 10_000, event_id=7, rows=rows)
    for name, number in (("alarm", alarm), ("snapshot", snapshot)):
        found = waited_for(frames, name, Deadline(5))
        assert (found.id, found.origin) == (name, f"{video}: frame {number}")


def test_the_row_says_which_of_several_it_is(video: Path, tmp_path: Path) -> None:
    for name in ("7-video.h264.mp4", "7-video.hevc.mp4"):
        shutil.copy(video, tmp_path / name)
    rows = EventRows(Event(id=7), Told(DefaultVideo="7-video.h264.mp4"))
    frames = VideoFrames(tmp_path, 10_000, event_id=7, rows=rows)
    assert "h264" in waited_for(frames, "1", Deadline(5)).origin
