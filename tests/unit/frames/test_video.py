"""Frames out of a video, whose pictures tell their own number by eight bars."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameUnavailable, PictureError
from zmhook.frames.picture import frame_of
from zmhook.frames.video import VideoFrames, length, video_of

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
    picture = VideoFrames(video, 10_000).picture(str(number), Deadline(5))
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


def test_which_file_it_is(video: Path, tmp_path: Path) -> None:
    assert video_of(video.parent) == video
    assert video_of(tmp_path) is None
    assert video_of(tmp_path / "gone") is None


def test_what_it_does_not_have(video: Path) -> None:
    frames = VideoFrames(video, 10_000)
    with pytest.raises(FrameUnavailable, match=r"7-video.mp4: has no frame 201, only 200"):
        frames.picture("201", Deadline(5))
    with pytest.raises(FrameUnavailable, match=r"by number, not snapshot"):
        frames.picture("snapshot", Deadline(5))
    with pytest.raises(PictureError, match="max_picture_pixels"):
        VideoFrames(video, 100).picture("1", Deadline(5))
    with pytest.raises(DeadlineExceeded):
        frames.picture("1", Deadline(0))


def test_one_that_is_still_being_written(video: Path, tmp_path: Path) -> None:
    part = tmp_path / "9-video.mp4"
    part.write_bytes(video.read_bytes()[:2000])
    with pytest.raises(FrameUnavailable, match="still being recorded, or damaged") as caught:
        VideoFrames(part, 10_000).picture("1", Deadline(5))
    assert caught.value.retry
