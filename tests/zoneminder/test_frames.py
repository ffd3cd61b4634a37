"""Pictures of real events, from the portal and from the folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable
from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.frames.base import waited_for
from zmhook.frames.sources import open_source
from zmhook.image.decode import frame_of
from zmhook.settings import Settings
from zmhook.zoneminder.api import Portal

pytestmark = pytest.mark.zoneminder

FRAME_IDS = ["snapshot", "alarm", "1", "3"]


@pytest.fixture
def fetch(general) -> Callable[..., Frame]:
    """Fetch one picture of an event as the hook does."""

    def frame(event_id: int, frame_id: str, path: Path | str = "", **changed: object) -> Frame:
        settings = Settings(general=general(**changed))
        source = open_source(Event(id=event_id, path=str(path)), settings, Deadline(30))
        try:
            return frame_of(waited_for(source, frame_id, Deadline(30)))
        finally:
            source.close()

    return frame


@pytest.mark.parametrize("frame_id", FRAME_IDS)
def test_from_the_portal(zm_either, recorded_event, fetch, photo, frame_id: str) -> None:
    event = recorded_event(photo("dog.jpg"))
    zm_either.show(photo("dog.jpg"))
    frame = fetch(event.id, frame_id)
    assert frame.id == frame_id
    assert frame.origin == f"{zm_either.url}: {frame_id} of event {event.id}"
    assert zm_either.is_seen_in(frame.image)


@pytest.mark.parametrize("frame_id", FRAME_IDS)
def test_the_folder_gives_the_same(zm, recorded_event, fetch, photo, frame_id: str) -> None:
    event = recorded_event(photo("dog.jpg"))
    asked = len(zm.requests("view=image"))
    from_folder = fetch(event.id, frame_id, event.path)
    assert len(zm.requests("view=image")) == asked
    assert Path(from_folder.origin).parent == event.path
    assert from_folder.data == fetch(event.id, frame_id).data


def test_the_folder_is_where_the_api_says(zm, recorded_event, general, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    portal = Portal(general())
    assert portal.event_folder(event.id) == str(event.path)
    portal.close()


def test_a_frame_that_only_the_film_has(zm, recorded_event, fetch, photo) -> None:
    """Of an event that is stored as a film alone: ZoneMinder cuts frames out, and so do we."""
    event = recorded_event(photo("dog.jpg"), "film")
    zm.show(photo("dog.jpg"))
    (film,) = event.path.glob(f"{event.id}-video.*")
    frame = fetch(event.id, "4", event.path)
    assert frame.origin.startswith(f"{film}: frame ")
    assert zm.is_seen_in(frame.image)
    frame = fetch(event.id, "4")
    assert frame.origin.startswith(zm.url)
    assert zm.is_seen_in(frame.image)


@pytest.mark.parametrize("frame_id", ["snapshot", "alarm"])
def test_mp4_alone_has_its_two_pictures(zm, recorded_event, fetch, photo, frame_id: str) -> None:
    event = recorded_event(photo("dog.jpg"), "film")
    zm.show(photo("dog.jpg"))
    assert zm.is_seen_in(fetch(event.id, frame_id).image)
    assert zm.is_seen_in(fetch(event.id, frame_id, event.path).image)


def test_forced_alarm_that_goes_on(zm_either, fetch, photo) -> None:
    zm_either.show(photo("person.jpg"))
    event = zm_either.force_alarm("still")
    try:
        for frame_id in ("snapshot", "alarm", "1"):
            for path in ("", event.path):
                frame = fetch(event.id, frame_id, path, max_attempts=20)
                assert zm_either.is_seen_in(frame.image)
        assert zm_either.is_open(event)
    finally:
        zm_either.end_alarm("still")


def test_snapshot_that_is_rewritten_while_it_is_read(zm, fetch) -> None:
    """It is written in place with each higher score: now and then it is empty or cut short."""
    versions: dict[bool, set[bytes]] = {False: set(), True: set()}
    for _ in range(4):  # when an event is met late, its best picture is there already
        event = zm.wait_for_motion()
        until = time.monotonic() + 5
        while time.monotonic() < until:
            for from_folder, seen in versions.items():
                path = event.path if from_folder else ""
                frame = fetch(event.id, "snapshot", path, sleep_between_attempts=0.1)
                assert (frame.width, frame.height) == (640, 480)
                seen.add(frame.data)
        if all(len(seen) > 1 for seen in versions.values()):
            return
    raise AssertionError("snapshot.jpg was never rewritten")


def test_alarm_picture_of_motion_is_waited_for(zm, fetch) -> None:
    event = zm.wait_for_motion()
    frame = fetch(event.id, "alarm", max_attempts=20)
    assert frame.image.max() > 200  # the white box


def test_missing_event(zm, fetch) -> None:
    before = len(zm.requests("eid=987654"))
    with pytest.raises(FrameUnavailable, match=r"alarm of event 987654 \(status 404\).*3 times"):
        fetch(987654, "alarm", max_attempts=3)
    assert len(zm.requests("eid=987654")) - before == 3


def test_frame_that_the_event_does_not_have(zm, recorded_event, fetch, photo) -> None:
    event = recorded_event(photo("dog.jpg"))
    with pytest.raises(FrameUnavailable, match=r"has only \d+ frames, and no frame 99999"):
        fetch(event.id, "99999", max_attempts=2)
    assert fetch(event.id, "3").width == 640
