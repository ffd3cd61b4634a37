from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameNotNeeded, FrameUnavailable, PortalError
from zmhook.event import Event
from zmhook.frame import Picture
from zmhook.frames import open_source
from zmhook.frames.base import waited_for
from zmhook.frames.ids import PercentFrames, frame_ids, is_track
from zmhook.frames.portal import EventRows
from zmhook.settings import General, Settings, Snapshots


def ids(source: str, *frame_id: str, frames: int = 2) -> list[str]:
    return frame_ids(
        Settings(
            general=General(frame_id=frame_id or ("bestmatch",)),
            snapshots=Snapshots(frame_source=source, snapshot_frames=frames),
        )
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("portal", ["alarm", "snapshot"]),
        ("snapshots", ["track", "track2"]),
        ("both", ["track", "track2", "alarm", "snapshot"]),
        ("fallback", ["track", "track2", "alarm", "snapshot"]),
    ],
)
def test_the_cameras_own_come_first(source: str, expected: list[str]) -> None:
    assert ids(source) == expected


def test_as_many_as_are_wanted() -> None:
    assert ids("snapshots", frames=1) == ["track"]
    assert ids("snapshots", frames=4) == ["track", "track2", "track3", "track4"]


def test_each_once() -> None:
    assert ids("both", "alarm", "bestmatch", frames=1) == ["track", "alarm", "snapshot"]


@pytest.mark.parametrize(
    ("frame_id", "expected"),
    [("track", True), ("track12", True), ("alarm", False), ("12", False), ("", False)],
)
def test_which_is_the_cameras(frame_id: str, expected: bool) -> None:
    assert is_track(frame_id) is expected


class Pictures:
    """Has every picture; remembers what it was asked for, beside the API that has the row."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.asked: list[str] = []
        self.closed = 0

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture:
        self.asked.append(frame_id)
        return Picture(b"data", frame_id, "test")

    def close(self) -> None:
        self.closed += 1


class Api:
    """A portal that tells events' rows."""

    def __init__(self, frames: object) -> None:
        self.frames = frames
        self.asked = 0

    def event(self, event_id: int, deadline: Deadline) -> dict[str, object]:
        self.asked += 1
        if isinstance(self.frames, Exception):
            raise self.frames
        return {"Id": event_id, "Frames": self.frames}


def make_video(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for i in range(1, frames + 1):
        writer.write(np.full((48, 64, 3), i, np.uint8))
    writer.release()


def extent(frames: object, *optional: str, path: str = "") -> tuple[PercentFrames, Pictures]:
    pictures = Pictures(Api(frames))
    event = Event(id=7, path=path)
    return PercentFrames(pictures, event, EventRows(event, pictures.api), optional), pictures


@pytest.mark.parametrize(
    ("asked", "number"), [("0%", "1"), ("20%", "59"), ("50%", "146"), ("100%", "292")]
)
def test_a_place_in_the_event(asked: str, number: str) -> None:
    source, pictures = extent("292")
    assert waited_for(source, asked, Deadline(5)).id == asked
    assert pictures.asked == [number]


def test_a_frame_that_somebody_looked_at_is_not_the_last(tmp_path: Path) -> None:
    (tmp_path / "00004-capture.jpg").touch()
    make_video(tmp_path / "7-video.mp4", frames=20)
    source, pictures = extent("292", path=str(tmp_path))
    waited_for(source, "100%", Deadline(5))
    assert pictures.asked == ["20"]


def test_a_folder_is_counted_first(tmp_path: Path) -> None:
    for number in (1, 2, 40):
        (tmp_path / f"{number:05}-capture.jpg").touch()
    source, pictures = extent("292", path=str(tmp_path))
    waited_for(source, "50%", Deadline(5))
    assert pictures.asked == ["20"]
    assert pictures.api.asked == 0


@pytest.mark.parametrize("told", [PortalError("gone"), None, "x"])
def test_nobody_tells(told: object) -> None:
    source, pictures = extent(told, "11")
    with pytest.raises(
        FrameUnavailable, match=r"20%: unknown, since the number of frames of event 7 is"
    ):
        waited_for(source, "20%", Deadline(5))
    waited_for(source, "11", Deadline(5))
    assert pictures.asked == ["11"]
    assert pictures.api.asked == 1


def test_behind_the_end() -> None:
    source, pictures = extent("30", "11", "31")
    waited_for(source, "11", Deadline(5))
    waited_for(source, "40", Deadline(5))  # asked for by its number: whoever wants it is told
    with pytest.raises(FrameNotNeeded, match="31: the event has only 30 frames"):
        waited_for(source, "31", Deadline(5))
    assert pictures.asked == ["11", "40"]
    source.close()
    assert pictures.closed == 1


def test_all_is_every_so_many() -> None:
    general = General(frame_id=("all",), start_frame=5, frame_skip=4, max_frames=3)
    assert frame_ids(Settings(general=general)) == ["5", "10", "15"]


def test_a_list_is_bounded() -> None:
    general = General(frame_id=("snapshot", "all", "20%"), frame_skip=0, max_frames=4)
    assert frame_ids(Settings(general=general)) == ["snapshot", "1", "2", "3"]


def test_a_folder_with_a_video_only(tmp_path: Path, photo) -> None:
    shutil.copy(photo("dog.jpg"), tmp_path / "snapshot.jpg")
    path = tmp_path / "7-video.mp4"
    make_video(path, frames=50)
    settings = Settings(general=General(frame_id=("snapshot", "50%", "all"), frame_skip=19))
    source = open_source(Event(id=7, path=str(tmp_path)), settings, Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).origin == str(tmp_path / "snapshot.jpg")
    assert waited_for(source, "50%", Deadline(5)).origin == f"{path}: frame 25"
    assert waited_for(source, "41", Deadline(5)).origin == f"{path}: frame 41"
    with pytest.raises(FrameNotNeeded, match="61: the event has only 50 frames"):
        waited_for(source, "61", Deadline(5))
