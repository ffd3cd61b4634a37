from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameNotNeeded, FrameUnavailable, PortalError
from zmhook.event import Event
from zmhook.frame import Picture
from zmhook.frames.base import FrameSource, Pending, waited_for
from zmhook.frames.portal import EventRows
from zmhook.frames.sources import PercentFrames, open_source
from zmhook.settings import General, Settings, Snapshots
from zmhook.zoneminder.api import Portal


class OnePicture(Portal):
    """A portal whose every picture is the same."""

    def __init__(self, data: bytes) -> None:
        super().__init__(General(portal="http://zm.example/zm"))
        self.data = data
        self.asked: list[str] = []
        self.row: dict[str, Any] = {}

    def event(self, event_id: int, deadline: Deadline | None = None) -> dict[str, Any]:
        return {"Id": event_id, **self.row}

    def image(self, event_id: int, frame_id: str, deadline: Deadline | None = None) -> bytes:
        self.asked.append(frame_id)
        return self.data


def settings(**general: object) -> Settings:
    quick = {"max_attempts": 2, "sleep_between_attempts": 0.01}
    return Settings(general=General(**{**quick, **general}))


@pytest.fixture
def portal(photo) -> OnePicture:
    return OnePicture(photo("horses.jpg").read_bytes())


@pytest.fixture
def folder(tmp_path: Path, photo) -> Path:
    shutil.copyfile(photo("dog.jpg"), tmp_path / "snapshot.jpg")
    return tmp_path


def event(path: Path | str = "") -> Event:
    return Event(id=3, path=str(path))


def test_a_file_is_looked_at_in_place_of_everything_else(folder: Path, photo) -> None:
    configured = settings(portal="http://127.0.0.1:1/zm", wait=30.0)
    source = open_source(event(folder), configured, Deadline(5), file=str(photo("person.jpg")))
    frame = waited_for(source, "alarm", Deadline(5))
    assert frame.id == "file"
    assert frame.data == photo("person.jpg").read_bytes()


def test_folder_first_then_portal_for_what_is_not_there(
    folder: Path, portal: OnePicture, slept: list[float]
) -> None:
    configured = settings(portal="http://zm.example/zm", sleep_between_attempts=60.0)
    source = open_source(event(folder), configured, Deadline(5), portal=portal)
    assert waited_for(source, "snapshot", Deadline(5)).origin == f"{folder}/snapshot.jpg"
    assert portal.asked == []
    assert waited_for(source, "alarm", Deadline(5)).data == portal.data
    assert portal.asked == ["alarm"]
    assert slept == []
    source.close()


def test_picture_that_stays_cut_is_asked_of_the_portal(folder: Path, portal: OnePicture) -> None:
    file = folder / "snapshot.jpg"
    file.write_bytes(file.read_bytes()[:3000])
    configured = settings(portal="http://zm.example/zm")
    source = open_source(event(folder), configured, Deadline(5), portal=portal)
    assert waited_for(source, "snapshot", Deadline(5)).data == portal.data


def test_portal_only_when_the_folder_is_not_preferred(folder: Path, portal: OnePicture) -> None:
    configured = settings(portal="http://zm.example/zm", prefer_event_folder=False)
    source = open_source(event(folder), configured, Deadline(5), portal=portal)
    waited_for(source, "snapshot", Deadline(5))
    assert portal.asked == ["snapshot"]


def test_folder_alone_waits_for_its_pictures(folder: Path) -> None:
    source = open_source(event(folder), settings(prefer_event_folder=False), Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).origin == f"{folder}/snapshot.jpg"
    with pytest.raises(FrameUnavailable, match=r"alarm.jpg.*\(asked 2 times in 0.01 s\)"):
        waited_for(source, "alarm", Deadline(5))


def test_folder_without_an_event_id(folder: Path) -> None:
    configured = settings(portal="http://127.0.0.1:1/zm", prefer_event_folder=False)
    source = open_source(Event(path=str(folder)), configured, Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).data


def test_nowhere_to_look() -> None:
    with pytest.raises(FrameUnavailable, match=r"no source .* \[general\] portal"):
        open_source(event(), settings(), Deadline(5))
    with pytest.raises(FrameUnavailable, match="give an event id, an event's folder or a file"):
        open_source(Event(), settings(portal="http://zm.example/zm"), Deadline(5))


def test_waits_once(folder: Path, slept: list[float]) -> None:
    source = open_source(event(folder), settings(wait=0.3), Deadline(5))
    waited_for(source, "snapshot", Deadline(5))
    waited_for(source, "snapshot", Deadline(5))
    assert slept == [0.3]


def test_does_not_wait_past_the_deadline(folder: Path) -> None:
    deadline = Deadline(0.1)
    source = open_source(event(folder), settings(wait=60.0), deadline)
    with pytest.raises(DeadlineExceeded, match="wait"):
        waited_for(source, "snapshot", deadline)


def test_a_folder_costs_no_network_library(folder: Path) -> None:
    """A cold start pays for what it imports."""
    code = (
        "import sys; from zmhook.frames.sources import open_source; from zmhook.event import Event;"
        "from zmhook.deadline import Deadline; from zmhook.settings import General, Settings;"
        f"s = Settings(general=General(portal='http://127.0.0.1:1/zm'));"
        f"f = open_source(Event(id=1, path={str(folder)!r}), s, Deadline(5));"
        "f.attempt('snapshot', Deadline(5)); f.close();"
        "print([m for m in ('requests', 'urllib3', 'pyzm', 'ssl', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- with the camera's own -----------------------------------------------------------------------


@pytest.fixture
def with_snapshots(tmp_path: Path, snapshots) -> Iterator[Callable[..., FrameSource]]:
    """Open the source of an event on monitor 1 that has a folder, and a store of snapshots."""
    snapshots()
    sources: list[FrameSource] = []

    def open_it(mode: str, path: Path | str, **general: object) -> FrameSource:
        configured = structs.replace(
            settings(**general),
            snapshots=Snapshots(
                frame_source=mode,
                snapshot_path=str(tmp_path / "snapshots"),
                snapshot_wait=0.0,
            ),
        )
        one = Event(id=3, monitor_id=1, path=str(path))
        sources.append(open_source(one, configured, Deadline(5)))
        return sources[-1]

    yield open_it
    for source in sources:
        source.close()


def now_seen(make_snapshot, **more: object):
    now = time.time()
    return make_snapshot(taken=now, start=now - 1, end=now, **more)


@pytest.mark.parametrize("mode", ["snapshots", "both", "fallback"])
def test_a_snapshot_of_the_camera(
    mode: str, folder: Path, with_snapshots, snapshots, make_snapshot
) -> None:
    snapshots(now_seen(make_snapshot))
    source = with_snapshots(mode, folder)
    assert waited_for(source, "track", Deadline(5)).crop is not None
    source.close()


def test_both_are_looked_at(folder: Path, with_snapshots, snapshots, make_snapshot) -> None:
    snapshots(now_seen(make_snapshot))
    source = with_snapshots("both", folder)
    waited_for(source, "track", Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).origin == f"{folder}/snapshot.jpg"


def test_instead_of_the_events(folder: Path, with_snapshots, snapshots, make_snapshot) -> None:
    snapshots(now_seen(make_snapshot))
    source = with_snapshots("fallback", folder)
    waited_for(source, "track", Deadline(5))
    with pytest.raises(FrameNotNeeded, match="snapshot: the camera's own picture stands in"):
        waited_for(source, "snapshot", Deadline(5))


def test_the_events_when_the_camera_sent_none(folder: Path, with_snapshots) -> None:
    source = with_snapshots("fallback", folder)
    with pytest.raises(FrameNotNeeded):
        waited_for(source, "track", Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).origin == f"{folder}/snapshot.jpg"


def test_the_events_when_the_cameras_picture_is_gone(
    folder: Path, tmp_path: Path, with_snapshots, snapshots, make_snapshot
) -> None:
    (row,) = snapshots(now_seen(make_snapshot))
    (tmp_path / "snapshots" / row.file).unlink()
    source = with_snapshots("fallback", folder)
    with pytest.raises(FrameUnavailable, match="no such file"):
        waited_for(source, "track", Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).data


def test_the_camera_alone_needs_neither_portal_nor_folder(
    with_snapshots, snapshots, make_snapshot
) -> None:
    snapshots(now_seen(make_snapshot))
    source = with_snapshots("both", "")
    assert waited_for(source, "track", Deadline(5)).data
    with pytest.raises(FrameUnavailable, match=r"no source of pictures: .*portal"):
        waited_for(source, "snapshot", Deadline(5))
    source.close()


def test_a_file_in_place_of_the_cameras_too(with_snapshots, tmp_path: Path, photo) -> None:
    configured = structs.replace(settings(), snapshots=Snapshots(frame_source="snapshots"))
    source = open_source(Event(), configured, Deadline(5), file=str(photo("dog.jpg")))
    assert waited_for(source, "track", Deadline(5)).id == "file"


def test_the_wait_comes_before_the_cameras_too(folder: Path, with_snapshots) -> None:
    source = with_snapshots("both", folder, wait=0.3)
    started = time.monotonic()
    with pytest.raises(FrameNotNeeded):
        waited_for(source, "track", Deadline(5))
    assert time.monotonic() - started >= 0.3
    assert source.pause.seconds == 0


def test_the_api_is_asked_over_the_same_connection(
    portal: OnePicture, with_snapshots, snapshots, make_snapshot, monkeypatch, tmp_path: Path
) -> None:
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() - 600))
    monkeypatch.setattr(portal, "event", lambda *_: {"Id": 3, "StartDateTime": began})
    past = time.time() - 300
    snapshots(make_snapshot(taken=past, start=past, end=past))
    configured = Settings(
        general=General(portal="http://zm.example/zm"),
        snapshots=Snapshots(frame_source="both", snapshot_path=str(tmp_path / "snapshots")),
    )
    source = open_source(Event(id=3, monitor_id=1), configured, Deadline(5), portal=portal)
    assert waited_for(source, "track", Deadline(5)).crop is not None
    assert waited_for(source, "alarm", Deadline(5)).data == portal.data
    source.close()


def test_a_hook_without_snapshots_pays_for_none(folder: Path) -> None:
    code = (
        "import sys; from zmhook.frames.sources import open_source; from zmhook.event import Event;"
        "from zmhook.deadline import Deadline; from zmhook.settings import Settings;"
        f"f = open_source(Event(id=1, path={str(folder)!r}), Settings(), Deadline(5));"
        "f.attempt('snapshot', Deadline(5)); f.close();"
        "print([m for m in ('sqlite3', 'zmhook.frames.snapshots') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- what may still come, and what will not --------------------------------------------------------


def test_a_picture_that_may_come_does_not_hold_up_what_is_there(folder: Path) -> None:
    source = open_source(event(folder), settings(sleep_between_attempts=60.0), Deadline(600))
    found = source.attempt("alarm", Deadline(600))
    assert isinstance(found, Pending)
    assert "alarm.jpg: there is no such file" in str(found.error)
    assert found.seconds <= 0.1  # a look at a file costs nothing
    assert not isinstance(source.attempt("snapshot", Deadline(600)), Pending)


def test_nothing_comes_any_more_when_the_event_is_over(folder: Path) -> None:
    source = open_source(event(folder), settings(sleep_between_attempts=60.0), Deadline(600))
    (folder / "3-video.hevc.mp4").touch()  # versions that put the codec there do so at the end
    with pytest.raises(FrameUnavailable, match=r"alarm.jpg: there is no such file$"):
        source.attempt("alarm", Deadline(600))


def test_nothing_comes_any_more_into_a_folder_that_is_old(folder: Path) -> None:
    source = open_source(event(folder), settings(sleep_between_attempts=60.0), Deadline(600))
    past = time.time() - 3600
    os.utime(folder / "snapshot.jpg", (past, past))
    (folder / "objdetect.jpg").touch()  # our own
    with pytest.raises(FrameUnavailable, match=r"alarm.jpg: there is no such file$"):
        source.attempt("alarm", Deadline(600))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder that has a film alone."""
    path = tmp_path / "film" / "3-video.mp4"
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for shade in range(40):
        writer.write(np.full((48, 64, 3), shade * 6, np.uint8))
    writer.release()
    return path


def test_a_film_alone_is_used_at_once(film: Path) -> None:
    configured = settings(sleep_between_attempts=60.0)
    source = open_source(event(film.parent), configured, Deadline(600))
    assert source.attempt("alarm", Deadline(600)).origin == f"{film}: frame 10"
    assert source.attempt("snapshot", Deadline(600)).origin == f"{film}: frame 20"


def test_a_film_beside_a_picture_is_none_of_that_name(film: Path, photo) -> None:
    shutil.copyfile(photo("dog.jpg"), film.parent / "snapshot.jpg")
    source = open_source(event(film.parent), settings(), Deadline(5))
    with pytest.raises(FrameUnavailable, match=r"/alarm.jpg: "):
        waited_for(source, "alarm", Deadline(5))


def test_a_film_that_cannot_be_read_yet_is_named(film: Path) -> None:
    growing = film.rename(film.parent / "incomplete.hevc.mp4")
    growing.write_bytes(growing.read_bytes()[:2000])
    source = open_source(event(film.parent), settings(), Deadline(5))
    with pytest.raises(FrameUnavailable, match=r"incomplete.hevc.mp4: cannot be read: still being"):
        waited_for(source, "alarm", Deadline(5))


def test_a_film_alone_before_the_portal(film: Path, portal: OnePicture) -> None:
    portal.row = {"AlarmFrameId": 7, "EndDateTime": "2026-07-29 17:05:03", "Frames": 40}
    configured = settings(portal="http://zm.example/zm")
    source = open_source(event(film.parent), configured, Deadline(5), portal=portal)
    assert source.attempt("alarm", Deadline(5)).origin == f"{film}: frame 7"
    assert portal.asked == []


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


def test_a_folder_with_a_video_only(tmp_path: Path, photo) -> None:
    shutil.copyfile(photo("dog.jpg"), tmp_path / "snapshot.jpg")
    path = tmp_path / "7-video.mp4"
    make_video(path, frames=50)
    settings = Settings(general=General(frame_id=("snapshot", "50%", "all"), frame_skip=19))
    source = open_source(Event(id=7, path=str(tmp_path)), settings, Deadline(5))
    assert waited_for(source, "snapshot", Deadline(5)).origin == str(tmp_path / "snapshot.jpg")
    assert waited_for(source, "50%", Deadline(5)).origin == f"{path}: frame 25"
    assert waited_for(source, "41", Deadline(5)).origin == f"{path}: frame 41"
    with pytest.raises(FrameNotNeeded, match="61: the event has only 50 frames"):
        waited_for(source, "61", Deadline(5))
