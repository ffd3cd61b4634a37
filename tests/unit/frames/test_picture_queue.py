"""Pictures in the order in which they can be had."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import DeadlineExceeded, FrameNotNeeded, FrameUnavailable
from zmhook.frame import Picture
from zmhook.frames import picture_queue as module
from zmhook.frames.base import Pending
from zmhook.frames.picture_queue import PictureQueue

IDS = ("alarm", "snapshot", "5")


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Time(Deadline):
    def __init__(self, clock: Clock) -> None:
        super().__init__(60)
        self.clock = clock

    def sleep(self, seconds: float) -> None:
        self.clock.now += seconds


class Source:
    """Has a picture from the attempt on that `comes` says (0: never), then an error for it."""

    def __init__(self, *, seconds: float = 1.0, is_cheap: bool = False, **comes: int) -> None:
        self.comes = comes
        self.seconds = seconds
        self.is_cheap = is_cheap
        self.asked: list[str] = []
        self.hold: dict[str, threading.Event] = {}

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        self.asked.append(frame_id)
        if frame_id in self.hold:
            self.hold[frame_id].wait(10)
        comes = self.comes.get(frame_id, 1)
        if not comes:
            raise FrameUnavailable(f"no {frame_id}")
        if self.asked.count(frame_id) < comes:
            return Pending(FrameUnavailable(f"{frame_id} not yet"), self.seconds, self.is_cheap)
        return Picture(b"data", frame_id, "here")

    def close(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module.time, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def gather(clock: Clock) -> Callable[[Source], PictureQueue]:
    return lambda source: PictureQueue(source, Time(clock))


def ids(gathered: PictureQueue, *wanted: str) -> list[str]:
    left, found = list(wanted), []
    while left and (arrival := gathered.next(left, wait=True)):
        left.remove(arrival.id)
        found.append(arrival.id)
    return found


def test_all_there(gather, clock: Clock) -> None:
    source = Source()
    assert ids(gather(source), *IDS) == list(IDS)
    assert (source.asked, clock.now) == (list(IDS), 100.0)


def test_only_the_first_is_asked_for_when_it_is_there(gather) -> None:
    source = Source()
    assert gather(source).next(IDS, wait=True).id == "alarm"
    assert source.asked == ["alarm"]


def test_what_is_there_comes_before_what_may_come(gather, clock: Clock) -> None:
    source = Source(alarm=3)
    assert ids(gather(source), *IDS) == ["snapshot", "5", "alarm"]
    assert source.asked == ["alarm", "snapshot", "5", "alarm", "alarm"]
    assert clock.now == 102.0


def test_what_never_comes_is_an_arrival_too(gather) -> None:
    gathered = gather(Source(alarm=0))
    arrival = gathered.next(IDS, wait=True)
    assert (arrival.id, arrival.picture, str(arrival.error)) == ("alarm", None, "no alarm")
    assert gathered.next(IDS, wait=True) is arrival


@pytest.mark.parametrize(("is_cheap", "finds"), [(True, "alarm"), (False, None)])
def test_who_does_not_wait_asks_only_where_that_costs_nothing(
    is_cheap: bool, finds: str | None, gather, clock: Clock
) -> None:
    source = Source(alarm=2, is_cheap=is_cheap)
    gathered = gather(source)
    assert gathered.next(IDS, wait=True).id == "snapshot"
    assert gathered.next(["alarm"], wait=False) is None  # not due yet
    clock.now += 5
    arrival = gathered.next(["alarm"], wait=False)
    assert (arrival and arrival.id) == finds


def test_the_cameras_own_come_first(gather, clock: Clock) -> None:
    """Somebody has said how long to wait for them."""
    source = Source(track=4)
    assert ids(gather(source), "track", "alarm") == ["track", "alarm"]
    assert clock.now == 103.0


def test_no_time_left(gather) -> None:
    class Late(Source):
        def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
            raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        gather(Late()).next(IDS, wait=True)


def test_one_line_for_what_was_not_waited_for(gather, caplog) -> None:
    caplog.set_level("INFO", "zmhook")
    gathered = gather(Source(alarm=9))
    gathered.next(IDS, wait=True)
    gathered.left_out(["alarm"])
    assert [record.getMessage() for record in caplog.records] == [
        "alarm: not waited for: alarm not yet"
    ]


def test_a_thread_goes_on_asking_meanwhile(until) -> None:
    source = Source(alarm=3, seconds=0.01)
    gathered = PictureQueue(source, Deadline(30), ahead=True)
    assert gathered.next(IDS, wait=True).id == "snapshot"
    gathered.begin(["alarm", "5"])
    until(lambda: source.asked.count("alarm") == 3 and "5" in source.asked)
    asked = list(source.asked)
    assert gathered.next(["alarm"], wait=False).picture
    assert ids(gathered, "5") == ["5"]
    assert source.asked == asked
    gathered.close()


def test_nobody_is_held_up_by_what_the_thread_asks(until) -> None:
    source = Source(alarm=2, seconds=0.0)
    gathered = PictureQueue(source, Deadline(30), ahead=True)
    gathered.next(IDS, wait=True)
    source.hold["alarm"] = threading.Event()
    gathered.begin(["alarm"])
    until(lambda: source.asked.count("alarm") == 2)
    assert gathered.next(["alarm"], wait=False) is None
    gathered.close()
    source.hold["alarm"].set()


def test_what_goes_wrong_in_the_thread_goes_wrong_for_who_waits(until) -> None:
    class Broken(Source):
        def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
            self.asked.append(frame_id)
            raise RuntimeError("oops") if frame_id == "alarm" else FrameNotNeeded("no")

    source = Broken()
    gathered = PictureQueue(source, Deadline(30), ahead=True)
    gathered.begin(["alarm"])
    until(lambda: source.asked)
    with pytest.raises(RuntimeError, match="oops"):
        gathered.next(["alarm"], wait=True)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    def wait(what: Callable[[], object]) -> None:
        for _ in range(2000):
            if what():
                return
            threading.Event().wait(0.005)
        raise AssertionError("it did not come")

    return wait
