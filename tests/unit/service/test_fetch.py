"""Pictures in order, each once, one thread of a source at a time."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import structs

from zmhook.detection import Box
from zmhook.errors import FrameNotNeeded, FrameUnavailable
from zmhook.event import Event
from zmhook.frame import Crop, Picture
from zmhook.frames import sources
from zmhook.frames.base import Pending
from zmhook.service.fetch import POLL_SECONDS, Fetcher
from zmhook.settings import General, Settings


class Source:
    """Hands out a picture per id; an id `bad` has none, `bug` is one of ours."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.closed = 0
        self.lock = threading.Lock()
        self.hold = threading.Event()
        self.hold.set()

    def attempt(self, frame_id: str, deadline: object) -> Picture | Pending:
        with self.lock:
            self.asked.append(frame_id)
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
        self.hold.wait(10)
        time.sleep(0.01)
        with self.lock:
            self.at_once -= 1
        if frame_id == "bad":
            raise FrameUnavailable("bad: there is none")
        if frame_id == "bug":
            raise RuntimeError("oops")
        return Picture(frame_id.encode(), frame_id, "here")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    source = Source()
    monkeypatch.setattr(sources, "open_source", lambda *_, **__: source)
    return source


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as threads:
        yield threads


def fetcher(threads, *ids: str, **general: object) -> Fetcher:
    return Fetcher(Event(id=1), Settings(general=General(**general)), [*ids], threads)


def test_the_first_and_then_the_next(source: Source, threads, soon) -> None:
    async def run() -> None:
        fetching = fetcher(threads, "alarm", "snapshot", "5")
        first = await fetching.first()
        assert (first.id, first.data, first.origin) == ("alarm", b"alarm", "here")
        assert source.asked == ["alarm"]

        fetching.begin_after("alarm")
        assert (await fetching.picture("snapshot")).data == b"snapshot"
        await fetching.close()

    soon(run)
    assert source.asked == ["alarm", "snapshot"]
    assert source.closed == 1


def test_one_after_the_other_and_each_once(source: Source, threads, soon) -> None:
    async def run() -> None:
        fetching = fetcher(threads, "1", "2", "3")
        asked = [fetching.picture(one) for one in ("1", "2", "3", "2", "1")]
        assert [one.id for one in await asyncio.gather(*asked)] == ["1", "2", "3", "2", "1"]

    soon(run)
    assert source.asked == ["1", "2", "3"]
    assert source.most_at_once == 1


def test_there_is_nothing_after_the_last(source: Source, threads, soon) -> None:
    async def run() -> None:
        fetching = fetcher(threads, "1")
        await fetching.first()
        fetching.begin_after("1")
        fetching.begin_after("not one of ours")
        await fetching.close()

    soon(run)
    assert source.asked == ["1"]


def test_a_picture_that_is_not_there_says_why(source: Source, threads, soon) -> None:
    async def run() -> None:
        picture = await fetcher(threads, "bad").first()
        assert (picture.data, picture.error) == (b"", "bad: there is none")

    soon(run)


def test_a_bug_in_a_source_is_no_picture_either(source: Source, threads, soon) -> None:
    """It must neither leave the event waiting until its deadline nor end a worker's slot."""

    async def run() -> None:
        picture = await fetcher(threads, "bug").first()
        assert "RuntimeError: oops" in picture.error

    soon(run)


def test_a_source_that_cannot_be_opened_says_why(
    threads, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FrameUnavailable("no such portal")

    monkeypatch.setattr(sources, "open_source", refuse)

    async def run() -> None:
        fetching = fetcher(threads, "alarm", "snapshot")
        assert (await fetching.first()).error == "no such portal"
        assert (await fetching.picture("snapshot")).error == "no such portal"
        await fetching.close()

    soon(run)


def test_closing_waits_for_what_is_under_way(source: Source, threads, soon, until) -> None:
    async def run() -> None:
        fetching = fetcher(threads, "1")
        source.hold.clear()
        first = asyncio.ensure_future(fetching.first())
        await until(lambda: source.asked)
        closing = asyncio.ensure_future(fetching.close())
        await asyncio.sleep(0.02)
        assert source.closed == 0
        source.hold.set()
        await closing
        await first

    soon(run)
    assert source.closed == 1


def test_a_caller_who_leaves_does_not_take_the_picture_from_the_others(
    source: Source, threads, soon
) -> None:
    async def run() -> None:
        fetching = fetcher(threads, "1")
        source.hold.clear()
        leaves, stays = (asyncio.ensure_future(fetching.picture("1")) for _ in range(2))
        await asyncio.sleep(0.02)
        leaves.cancel()
        source.hold.set()

        assert (await stays).data == b"1"

    soon(run)


def test_the_wait_comes_before_the_first_and_holds_no_thread(source: Source, threads, soon) -> None:
    async def run() -> None:
        started = time.monotonic()
        first = asyncio.ensure_future(fetcher(threads, "1", wait=0.2).first())
        await asyncio.sleep(0.05)
        assert source.asked == []
        await first
        assert time.monotonic() - started >= 0.2

    soon(run)


def test_the_wait_is_waited_once_and_counted(
    source: Source, threads, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        fetching = fetcher(threads, "1", wait=0.2)
        await fetching.first()
        assert fetching.first_took >= 0.2
        monkeypatch.setattr(asyncio, "sleep", None)  # which would be an error
        await fetching.first()
        assert source.asked == ["1"]

    soon(scene)


def test_what_lies_in_the_events_folder_is_read_when_it_is_needed(
    source: Source, threads, soon
) -> None:
    async def scene() -> None:
        event = Event(id=1, path="/events/1")
        fetching = Fetcher(event, Settings(), ["alarm", "snapshot"], threads)
        await fetching.first()
        fetching.begin_after("alarm")
        await fetching.close()
        assert source.asked == ["alarm"]

    soon(scene)


# -- the camera's own ------------------------------------------------------------------------------


class Awaited(Source):
    """Has its tracks only from when `come` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.come = threading.Event()
        self.looks = 0
        self.not_needed: set[str] = set()

    def attempt(self, frame_id: str, deadline: object) -> Picture | Pending:
        self.looks += 1
        if frame_id == "track" and not self.come.is_set():
            return Pending(FrameUnavailable("track: not yet"), 0.01)
        if frame_id in self.not_needed:
            self.asked.append(frame_id)
            raise FrameNotNeeded(f"{frame_id}: there is none")
        return structs.replace(super().attempt(frame_id, deadline), crop=CROP)


CROP = Crop(box=Box(1, 2, 3, 4), width=9, height=8)


@pytest.fixture
def awaited(monkeypatch: pytest.MonkeyPatch) -> Awaited:
    source = Awaited()
    monkeypatch.setattr(sources, "open_source", lambda *_, **__: source)
    return source


def test_a_crop_goes_with_its_picture(awaited: Awaited, threads, soon) -> None:
    async def scene() -> None:
        awaited.come.set()
        picture = await fetcher(threads, "track").first()
        assert (picture.data, picture.crop, picture.needed) == (b"track", CROP, True)

    soon(scene)


def test_those_that_wait_hold_no_thread(awaited: Awaited, soon, until) -> None:
    """One thread is enough for any number of events that wait, and for one that does not."""

    async def scene() -> None:
        with ThreadPoolExecutor(1) as one:
            waiting = [asyncio.ensure_future(fetcher(one, "track").first()) for _ in range(50)]
            await until(lambda: awaited.looks > 100)
            assert (await fetcher(one, "alarm").first()).data == b"alarm"
            assert not any(task.done() for task in waiting)
            awaited.come.set()
            assert {picture.data for picture in await asyncio.gather(*waiting)} == {b"track"}

    soon(scene)


def test_those_that_are_not_needed_are_passed_over(awaited: Awaited, threads, soon) -> None:
    """No worker waits while the portal is asked; asked for them, the answer is there."""

    async def scene() -> None:
        awaited.come.set()
        awaited.not_needed = {"track", "track2"}
        fetching = fetcher(threads, "track", "track2", "alarm", "snapshot")
        assert (await fetching.first()).id == "alarm"
        track = await fetching.picture("track")
        assert (track.needed, track.error, track.data) == (False, "track: there is none", b"")
        assert awaited.asked == ["track", "track2", "alarm"]

    soon(scene)


def test_when_none_is_needed_the_last_says_so(awaited: Awaited, threads, soon) -> None:
    async def scene() -> None:
        awaited.come.set()
        awaited.not_needed = {"track", "track2"}
        first = await fetcher(threads, "track", "track2").first()
        assert (first.id, first.needed) == ("track2", False)

    soon(scene)


def test_a_service_that_ends_ends_the_waiting(awaited: Awaited, soon, until) -> None:
    async def scene() -> None:
        with ThreadPoolExecutor(1) as threads:
            first = asyncio.ensure_future(fetcher(threads, "track").first())
            await until(lambda: awaited.looks)
        assert "the service was stopped" in (await first).error

    soon(scene)


def test_a_source_of_the_cameras_own_that_cannot_be_opened_says_why(
    threads, soon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FrameUnavailable("no such portal")

    monkeypatch.setattr(sources, "open_source", refuse)

    async def scene() -> None:
        assert (await fetcher(threads, "track").first()).error == "no such portal"

    soon(scene)


# -- what may still come ---------------------------------------------------------------------------


class Coming(Source):
    """Has its alarm frame only from the attempt on that `comes` says."""

    def __init__(self, comes: int) -> None:
        super().__init__()
        self.comes = comes
        self.pause = 0.01

    def attempt(self, frame_id: str, deadline: object) -> Picture | Pending:
        picture = super().attempt(frame_id, deadline)
        if frame_id == "alarm" and self.asked.count("alarm") < self.comes:
            return Pending(FrameUnavailable("alarm: not yet"), self.pause, is_cheap=True)
        return picture


@pytest.fixture
def coming(monkeypatch: pytest.MonkeyPatch) -> Coming:
    source = Coming(4)
    monkeypatch.setattr(sources, "open_source", lambda *_, **__: source)
    return source


def test_the_first_is_what_is_there(coming: Coming, threads, soon) -> None:
    async def scene() -> None:
        coming.pause = 60.0
        fetching = fetcher(threads, "alarm", "snapshot")
        assert (await fetching.first()).id == "snapshot"
        alarm = await fetching.picture("alarm")
        assert (alarm.error, alarm.cheap, alarm.data) == ("alarm: not yet", True, b"")
        assert 0 < alarm.pause <= 60
        assert coming.asked == ["alarm", "snapshot"]
        await fetching.close()

    soon(scene)


def test_those_to_come_are_fetched_while_a_model_looks(
    coming: Coming, threads, soon, until
) -> None:
    async def scene() -> None:
        fetching = fetcher(threads, "alarm", "snapshot", "5")
        await fetching.first()
        fetching.begin_after("snapshot")
        await until(lambda: coming.asked.count("alarm") == 4 and "5" in coming.asked)
        asked = list(coming.asked)
        alarm = await fetching.picture("alarm")
        assert (alarm.pause, alarm.data) == (None, b"alarm")
        assert (await fetching.picture("5")).data == b"5"
        assert coming.asked == asked
        await fetching.close()

    soon(scene)


def test_nobody_is_held_up_by_another_attempt(coming: Coming, threads, soon, until) -> None:
    async def scene() -> None:
        coming.pause = 0.0
        fetching = fetcher(threads, "alarm", "snapshot")
        assert (await fetching.first()).id == "snapshot"
        coming.hold.clear()
        alarm = await fetching.picture("alarm")
        assert (alarm.error, alarm.pause) == ("alarm: not yet", POLL_SECONDS)
        coming.hold.set()
        await fetching.close()

    soon(scene)


def test_none_there_yet_is_waited_for_without_a_thread(coming: Coming, soon, until) -> None:
    async def scene() -> None:
        coming.comes = 1_000_000
        with ThreadPoolExecutor(1) as one:
            fetching = fetcher(one, "alarm")
            waiting = asyncio.ensure_future(fetching.first())
            await until(lambda: coming.asked.count("alarm") > 3)
            assert not waiting.done()
            coming.comes = 1
            assert (await waiting).data == b"alarm"
            await fetching.close()

    soon(scene)
