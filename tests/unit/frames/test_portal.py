from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, PictureError, PortalError
from zmhook.event import Event
from zmhook.frames.base import Patience, Pending, waited_for
from zmhook.frames.portal import EventRows, PortalFrames
from zmhook.settings import General
from zmhook.zoneminder.api import Portal


class Answers(Portal):
    """A portal that gives these answers, one for each request, and the last for ever."""

    def __init__(self, *answers: bytes | Exception) -> None:
        super().__init__(General(portal="http://u:secret@zm.example/zm/"))
        self.answers = list(answers)
        self.asked: list[tuple[int, str]] = []
        self.closed = False
        self.rows: list[dict[str, Any] | Exception] = []
        self.rows_asked = 0

    def image(self, event_id: int, frame_id: str, deadline: Deadline | None = None) -> bytes:
        assert deadline
        self.asked.append((event_id, frame_id))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def event(self, event_id: int, deadline: Deadline | None = None) -> dict[str, Any]:
        row = self.rows.pop(0) if len(self.rows) > 1 else self.rows[0]
        if isinstance(row, Exception):
            raise row
        self.rows_asked += 1
        return {"Id": event_id, **row}

    def close(self) -> None:
        self.closed = True


def frames(portal: Answers, *rows: dict[str, Any] | Exception) -> PortalFrames:
    """Return those of event 12, whose row is told so; without rows there is nobody to ask."""
    portal.rows = list(rows)
    told = EventRows(Event(id=12), portal) if rows else None
    return PortalFrames(portal, 12, 50_000_000, Patience(3, 0.01), told)


@pytest.fixture
def dog(photo) -> bytes:
    path: Path = photo("dog.jpg")
    return path.read_bytes()


def test_frame(dog: bytes) -> None:
    portal = Answers(dog)
    frame = waited_for(frames(portal), "alarm", Deadline(5))
    assert portal.asked == [(12, "alarm")]
    assert (frame.id, frame.data) == ("alarm", dog)
    assert frame.origin == "http://zm.example/zm: alarm of event 12"


def test_not_there_yet_then_cut_then_whole(dog: bytes) -> None:
    portal = Answers(FrameUnavailable("404", retry=True), dog[:5000], dog)
    assert waited_for(frames(portal), "snapshot", Deadline(5)).data == dog
    assert len(portal.asked) == 3


def test_cut_for_ever(dog: bytes) -> None:
    portal = Answers(dog[:5000])
    with pytest.raises(PictureError, match=r"snapshot of event 12: the JPEG is cut short.*3 times"):
        waited_for(frames(portal), "snapshot", Deadline(5))


def test_final_refusal_is_not_asked_again() -> None:
    portal = Answers(FrameUnavailable("no"))
    with pytest.raises(FrameUnavailable):
        waited_for(frames(portal), "snapshot", Deadline(5))
    assert len(portal.asked) == 1


def test_close_closes_the_portal(dog: bytes) -> None:
    portal = Answers(dog)
    frames(portal).close()
    assert portal.closed


OVER = {"EndDateTime": "2026-07-29 17:05:03", "StartTimeSecs": 1785344682}
RECORDS = {"EndDateTime": None, "EndTime": "2026-07-29 17:05:03", "StartTimeSecs": 1785344682}


def missing() -> FrameUnavailable:
    return FrameUnavailable("404", retry=True)


@pytest.fixture(autouse=True)
def rows_are_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zmhook.frames.portal.ROW_SECONDS", 0.0)


def test_a_frame_behind_the_end_is_never_asked_for(dog: bytes) -> None:
    """1.38 would give the last frame, and leave a JPEG of that number in the event's folder."""
    portal = Answers(dog)
    source = frames(portal, {**OVER, "Frames": 30})
    for number in ("31", "99"):
        with pytest.raises(FrameUnavailable, match=f"has only 30 frames, and no frame {number}$"):
            waited_for(source, number, Deadline(5))
    assert waited_for(source, "30", Deadline(5)).data == dog
    assert portal.asked == [(12, "30")]
    assert portal.rows_asked == 1


def test_a_frame_of_an_event_that_records_is_asked_for_once_it_is_told(dog: bytes) -> None:
    """The row is some seconds behind: 29 frames when 48 are there."""
    portal = Answers(dog)
    source = frames(portal, *({**RECORDS, "Frames": count} for count in (2, 2, 29, 48)))
    found = [source.attempt("40", Deadline(5)) for _ in range(3)]
    assert [isinstance(one, Pending) for one in found] == [True, True, False]
    assert portal.asked == [(12, "40")]


def test_where_nobody_tells_how_many_there_are_it_is_asked_for(dog: bytes) -> None:
    portal = Answers(dog)
    source = frames(portal, PortalError("401: not for you"))
    assert waited_for(source, "40", Deadline(5)).data == dog


def test_an_alarm_frame_that_does_not_exist_is_not_waited_for() -> None:
    """The second attempt knows that the event is over."""
    portal = Answers(missing())
    source = frames(portal, {**OVER, "Frames": 30})
    first = source.attempt("alarm", Deadline(5))
    assert isinstance(first, Pending)
    assert (first.seconds, portal.rows_asked) == (0.0, 0)  # the snapshot comes before that
    with pytest.raises(FrameUnavailable, match="404"):
        source.attempt("alarm", Deadline(5))
    assert len(portal.asked) == 2


def test_one_that_may_come_while_the_event_records(dog: bytes) -> None:
    portal = Answers(missing(), missing(), dog)
    source = frames(portal, {**RECORDS, "Frames": 30})
    assert waited_for(source, "alarm", Deadline(5)).data == dog
