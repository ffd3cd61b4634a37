"""Which files in an event's folder ZoneMinder has recorded, of any version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zmhook.frames.event_files import Video, frame_number, is_recorded, stills, video_of

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
