from __future__ import annotations

from collections.abc import Callable

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import FrameUnavailable, LoginError, PictureError, PortalError
from zmhook.frame import Picture
from zmhook.frames.base import Patience, Pending, Waiter, frame_ids, is_track
from zmhook.settings import General, Settings, Snapshots

PICTURE = Picture(b"jpeg", "snapshot", "test")


class Still(Deadline):
    """Time that does not pass, however long somebody sleeps."""

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__(seconds)
        self.slept = 0.0

    def left(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


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


def ask(
    fetch: Callable[[], Picture], patience: Patience, deadline: Deadline, frame_id: str = "alarm"
) -> Picture:
    return ask_again(Waiter(patience), fetch, deadline, frame_id)


def ask_again(
    waiter: Waiter, fetch: Callable[[], Picture], deadline: Deadline, frame_id: str
) -> Picture:
    while isinstance(found := waiter.attempt(frame_id, fetch, deadline), Pending):
        deadline.sleep(found.seconds)
    return found


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
    assert ask(fetch, Patience(3, 0.01), Deadline(5)) is PICTURE
    assert fetch.calls == 3


def test_last_error_names_the_attempts() -> None:
    fetch = Fetch(*[PictureError("cut", retry=True) for _ in range(9)])
    with pytest.raises(PictureError, match=r"^cut \(asked 4 times in 1.5 s\)$") as caught:
        ask(fetch, Patience(4, 0.5), Still())
    assert caught.value.retry
    assert fetch.calls == 4


@pytest.mark.parametrize(
    "error", [FrameUnavailable("no"), PictureError("html"), LoginError("refused")]
)
def test_what_waiting_does_not_help_is_raised_at_once(error: Exception) -> None:
    fetch = Fetch(error)
    with pytest.raises(type(error)) as caught:
        ask(fetch, Patience(9, 9), Deadline(60))
    assert caught.value is error
    assert fetch.calls == 1


def test_does_not_pause_past_the_deadline() -> None:
    deadline = Still(0.5)
    with pytest.raises(FrameUnavailable, match=r"^not yet$"):
        ask(Fetch(FrameUnavailable("not yet", retry=True)), Patience(5, 2.0), deadline)
    assert deadline.slept == 0


def test_frames_by_number_are_waited_for_once() -> None:
    asked: list[str] = []

    def fetch(frame_id: str) -> Picture:
        asked.append(frame_id)
        raise FrameUnavailable("not yet", retry=True)

    waiter = Waiter(Patience(attempts=3, pause=0.001))
    for one in ("alarm", "10", "20", "snapshot"):
        with pytest.raises(FrameUnavailable):
            ask_again(waiter, lambda one=one: fetch(one), Deadline(5), one)
    assert [asked.count(one) for one in ("alarm", "10", "20", "snapshot")] == [3, 3, 1, 3]


def test_a_number_that_never_comes_says_nothing_of_others() -> None:
    waiter = Waiter(Patience(attempts=2, pause=0.001))
    told = iter([FrameUnavailable("no such"), FrameUnavailable("not yet", retry=True)])

    def fetch() -> Picture:
        if error := next(told, None):
            raise error
        return Picture(b"data", "2", "test")

    with pytest.raises(FrameUnavailable, match="no such"):
        ask_again(waiter, fetch, Deadline(5), "1")
    assert ask_again(waiter, fetch, Deadline(5), "2").id == "2"


def test_many_attempts_are_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "zmhook")
    fetch = Fetch(*[FrameUnavailable("not yet", retry=True) for _ in range(9)])
    with pytest.raises(FrameUnavailable):
        ask(fetch, Patience(5, 1.0), Still())
    assert fetch.calls == 5
    assert [record.getMessage() for record in caplog.records] == [
        "alarm: not yet; asking again for a while"
    ]


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


def test_all_is_every_so_many() -> None:
    general = General(frame_id=("all",), start_frame=5, frame_skip=4, max_frames=3)
    assert frame_ids(Settings(general=general)) == ["5", "10", "15"]


def test_a_list_is_bounded() -> None:
    general = General(frame_id=("snapshot", "all", "20%"), frame_skip=0, max_frames=4)
    assert frame_ids(Settings(general=general)) == ["snapshot", "1", "2", "3"]
