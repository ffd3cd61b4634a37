from __future__ import annotations

import time

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, LoginError, PictureError, PortalError
from zmhook.event import Picture
from zmhook.frames.patience import Patience, Waiter

PICTURE = Picture(b"jpeg", "snapshot", "test")


class Fetch:
    """Raises the errors one after the other, then gives the frame."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> Picture:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return PICTURE


@pytest.mark.parametrize(
    "error",
    [
        FrameUnavailable("not yet", retry=True),
        PictureError("cut", retry=True),
        PortalError("slow", retry=True),
    ],
)
def test_asks_again(error: Exception) -> None:
    fetch = Fetch(error, error)
    assert Patience(3, 0.01).ask(fetch, Deadline(5)) is PICTURE
    assert fetch.calls == 3


def test_last_error_names_the_attempts() -> None:
    fetch = Fetch(*[PictureError("cut", retry=True) for _ in range(9)])
    with pytest.raises(PictureError, match=r"^cut \(asked 4 times\)$") as caught:
        Patience(4, 0).ask(fetch, Deadline(5))
    assert caught.value.retry
    assert fetch.calls == 4


@pytest.mark.parametrize(
    "error", [FrameUnavailable("no"), PictureError("html"), LoginError("refused")]
)
def test_what_waiting_does_not_help_is_raised_at_once(error: Exception) -> None:
    fetch = Fetch(error)
    with pytest.raises(type(error)) as caught:
        Patience(9, 9).ask(fetch, Deadline(60))
    assert caught.value is error
    assert fetch.calls == 1


def test_does_not_pause_past_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(FrameUnavailable, match=r"^not yet$"):
        Patience(5, 2.0).ask(Fetch(FrameUnavailable("not yet", retry=True)), Deadline(0.5))
    assert time.monotonic() - started < 0.4


def test_frames_by_number_are_waited_for_once() -> None:
    asked: list[str] = []

    def fetch(frame_id: str) -> Picture:
        asked.append(frame_id)
        raise FrameUnavailable("not yet", retry=True)

    waiter = Waiter(Patience(attempts=3, pause=0.001))
    for one in ("alarm", "10", "20", "snapshot"):
        with pytest.raises(FrameUnavailable):
            waiter.ask(one, lambda one=one: fetch(one), Deadline(5))
    assert [asked.count(one) for one in ("alarm", "10", "20", "snapshot")] == [3, 3, 1, 3]


def test_a_number_that_never_comes_says_nothing_of_others() -> None:
    waiter = Waiter(Patience(attempts=2, pause=0.001))
    told = iter([FrameUnavailable("no such"), FrameUnavailable("not yet", retry=True)])

    def fetch() -> Picture:
        if error := next(told, None):
            raise error
        return Picture(b"data", "2", "test")

    with pytest.raises(FrameUnavailable, match="no such"):
        waiter.ask("1", fetch, Deadline(5))
    assert waiter.ask("2", fetch, Deadline(5)).id == "2"
