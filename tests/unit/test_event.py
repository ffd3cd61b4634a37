from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest

from zmhook.event import Event
from zmhook.frame import Frame


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event(id=7, monitor_id=2), "event 7 of monitor 2"),
        (Event(id=7), "event 7"),
        (Event(monitor_id=2), "picture of monitor 2"),
        (Event(), "picture"),
        (Event(id=0, monitor_id=0), "event 0 of monitor 0"),
    ],
)
def test_says_what_it_is(event: Event, text: str) -> None:
    assert str(event) == text


def test_asked_is_now() -> None:
    assert abs(Event().asked - time.time()) < 5


def test_travels_as_json() -> None:
    event = Event(id=7, monitor_name='"Fröntdoor" $(x)\n', cause="Motion: a, b", path="/e/7")
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event


def test_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Event(id=7).id = 8  # type: ignore[misc]


def test_frame_knows_its_size() -> None:
    frame = Frame(np.zeros((20, 30, 3), np.uint8), "12", "here")
    assert (frame.width, frame.height) == (30, 20)
    assert type(frame.width) is type(frame.height) is int
    assert frame.data == b""
