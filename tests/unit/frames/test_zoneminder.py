from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, PictureError
from zmhook.frames.patience import Patience
from zmhook.frames.zoneminder import PortalFrames
from zmhook.portal import Portal
from zmhook.settings import General


class Answers(Portal):
    """A portal that gives these answers, one for each request, and the last for ever."""

    def __init__(self, *answers: bytes | Exception) -> None:
        super().__init__(General(portal="http://u:secret@zm.example/zm/"))
        self.answers = list(answers)
        self.asked: list[tuple[int, str]] = []
        self.closed = False

    def image(self, event_id: int, frame_id: str, deadline: Deadline | None = None) -> bytes:
        assert deadline
        self.asked.append((event_id, frame_id))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def frames(portal: Portal) -> PortalFrames:
    return PortalFrames(portal, 12, 50_000_000, Patience(3, 0.01))


@pytest.fixture
def dog(photo) -> bytes:
    path: Path = photo("dog.jpg")
    return path.read_bytes()


def test_frame(dog: bytes) -> None:
    portal = Answers(dog)
    frame = frames(portal).picture("alarm", Deadline(5))
    assert portal.asked == [(12, "alarm")]
    assert (frame.id, frame.data) == ("alarm", dog)
    assert frame.origin == "http://zm.example/zm: alarm of event 12"


def test_not_there_yet_then_cut_then_whole(dog: bytes) -> None:
    portal = Answers(FrameUnavailable("404", retry=True), dog[:5000], dog)
    assert frames(portal).picture("snapshot", Deadline(5)).data == dog
    assert len(portal.asked) == 3


def test_cut_for_ever(dog: bytes) -> None:
    portal = Answers(dog[:5000])
    with pytest.raises(PictureError, match=r"snapshot of event 12: the JPEG is cut short.*3 times"):
        frames(portal).picture("snapshot", Deadline(5))


def test_final_refusal_is_not_asked_again() -> None:
    portal = Answers(FrameUnavailable("no"))
    with pytest.raises(FrameUnavailable):
        frames(portal).picture("snapshot", Deadline(5))
    assert len(portal.asked) == 1


def test_close_closes_the_portal(dog: bytes) -> None:
    portal = Answers(dog)
    frames(portal).close()
    assert portal.closed
