"""Handlers that work, raise and hang; the collector goes on."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.errors import ModelSkipped, Postponed, StoreError
from zmhook.settings import Settings, Snapshots
from zmhook.snapshots import handler_runner
from zmhook.snapshots.handler_runner import HandlerRunner
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.status import Counts, HandlerCounts

FOUND = Detection(label="fox", confidence=0.9, box=Box(0, 0, 1, 1), model="m")
SECONDS = 10


def row(number: int) -> StoredSnapshot:
    return StoredSnapshot(
        number=number,
        file=f"{number}.jpg",
        size=1,
        sha256="",
        camera="drive",
        topic="t",
        format="f",
        track_id="t",
        taken=1.0,
        received=1.0,
    )


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.descriptions: dict[int, object] = {}
        self.fails = False

    def path(self, row: StoredSnapshot) -> Path:
        return self.folder / row.file

    def describe(self, number: int, description: object) -> None:
        if self.fails:
            raise StoreError("the disk is full")
        self.descriptions[number] = description


class RunnerHarness:
    """A runner of one handler, whose calls do what `does` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder)
        self.counts = Counts()
        self.does: Callable[[StoredSnapshot, bytes], list[Detection] | None] = lambda *_: [FOUND]
        self.made = 0
        self.closed = 0
        self.runner: HandlerRunner | None = None

    def start(self, timeout: float = SECONDS, handler_class: type | None = None) -> HandlerRunner:
        site = self

        class Handler:
            def __init__(self, settings: Settings) -> None:
                site.made += 1

            def on_snapshot(
                self, snapshot: StoredSnapshot, picture: bytes
            ) -> list[Detection] | None:
                return site.does(snapshot, picture)

            def close(self) -> None:
                site.closed += 1

        snapshots = Snapshots(snapshot_handler_timeout=timeout, snapshot_handlers=("h",))
        settings = {None: structs.replace(Settings(), snapshots=snapshots), 9: Settings()}
        settings[2] = structs.replace(settings[None])
        self.runner = HandlerRunner(
            "h", handler_class or Handler, settings.__getitem__, self.store, self.counts
        )
        self.runner.start()
        return self.runner

    def offer(self, *numbers: int) -> None:
        for number in numbers:
            (self.folder / f"{number}.jpg").write_bytes(b"picture %d" % number)
        self.runner.offer([row(number) for number in numbers])

    def totals(self) -> HandlerCounts:
        return self.counts.totals().handlers.get("h", HandlerCounts())

    def until(self, condition: Callable[[HandlerCounts], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not condition(self.totals()):
            assert time.monotonic() < end, self.totals()
            time.sleep(0.002)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RunnerHarness]:
    site = RunnerHarness(tmp_path)
    yield site
    if site.runner:
        site.runner.end(SECONDS)


def test_its_detections_are_stored(site: RunnerHarness) -> None:
    pictures = []
    site.does = lambda _, picture: pictures.append(picture) or [FOUND]
    site.start()
    site.offer(1, 2)
    site.until(lambda totals: totals.done == 2)
    assert pictures == [b"picture 1", b"picture 2"]
    assert site.store.descriptions == {1: {"m": "fox 90%"}, 2: {"m": "fox 90%"}}
    site.runner.end(SECONDS)
    assert (site.made, site.closed) == (1, 1)


def test_a_postponed_snapshot_comes_first_again(site: RunnerHarness, caplog) -> None:
    asked = []

    def later(one: StoredSnapshot, _: bytes) -> list[Detection]:
        asked.append((one.number, time.time()))
        if len(asked) == 1:
            raise Postponed("the minute is used up", time.time() + 0.2)
        return [FOUND]

    site.does = later
    site.start()
    with caplog.at_level(logging.INFO):
        site.offer(1, 2)
        site.until(lambda totals: totals.done == 2)
    assert [number for number, _ in asked] == [1, 1, 2]
    assert asked[1][1] - asked[0][1] >= 0.19
    assert "handler h: 1.jpg waits: the minute is used up" in caplog.text
    assert site.totals() == HandlerCounts(done=2)


def test_it_ends_though_it_waits(site: RunnerHarness) -> None:
    postponed = Event()

    def never(*_: object) -> None:
        postponed.set()
        raise Postponed("the day is used up", time.time() + 1e6)

    site.does = never
    site.start()
    site.offer(1, 2)
    assert postponed.wait(SECONDS)
    site.runner.end(SECONDS)
    assert "runner-h" not in {thread.name for thread in threading.enumerate()}
    assert site.totals() == HandlerCounts(dropped=2)


def test_what_waits_is_bounded(site: RunnerHarness, monkeypatch) -> None:
    monkeypatch.setattr(handler_runner, "MOST_WAITING", 2)
    begun, go_on = Event(), Event()

    def full(one: StoredSnapshot, _: bytes) -> None:
        if one.number == 1:
            begun.set()
            go_on.wait(SECONDS)
            raise Postponed("later", time.time())

    site.does = full
    site.start()
    site.offer(1)
    assert begun.wait(SECONDS)
    site.offer(2, 3)
    go_on.set()
    site.until(lambda totals: totals.done == 2)
    assert site.totals() == HandlerCounts(done=2, dropped=1)


def test_each_monitor_has_its_own_if_it_is_to_have_one(site: RunnerHarness) -> None:
    site.start()
    for number in range(4):
        (site.folder / f"{number}.jpg").write_bytes(b"")
    rows = zip(range(4), (None, 2, 9, 2), strict=True)
    site.runner.offer([structs.replace(row(n), monitor_id=monitor) for n, monitor in rows])
    site.until(lambda totals: totals.done == 3)
    assert list(site.store.descriptions) == [0, 1, 3]
    site.runner.end(SECONDS)
    assert (site.made, site.closed) == (2, 2)


def test_nothing_to_say_is_fine(site: RunnerHarness) -> None:
    site.does = lambda *_: None
    site.start()
    site.offer(1)
    site.until(lambda totals: totals.done == 1)
    assert site.store.descriptions == {}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("no\nway"), "ValueError: no"),
        (TimeoutError("slow"), "TimeoutError: slow"),
        (SystemExit(), "it raised SystemExit"),
        (ModelSkipped("gemini", "no key", "there is no key"), "there is no key"),
    ],
)
def test_an_error_is_logged_once(site: RunnerHarness, caplog, error, says: str) -> None:
    def fail(*_: object) -> None:
        raise error

    site.does = fail
    site.start()
    site.offer(1, 2)
    site.until(lambda totals: totals.failed == 2)
    site.does = lambda *_: None
    site.offer(3)
    site.until(lambda totals: totals.done == 1)
    assert [says in record.getMessage() for record in caplog.records] == [True]
    assert site.made == 1


def test_one_that_cannot_be_made_is_tried_again(site: RunnerHarness) -> None:
    class Broken:
        def __init__(self, settings: Settings) -> None:
            sys.exit(3)

    site.start(handler_class=Broken)
    site.offer(1, 2)
    site.until(lambda totals: totals.failed == 2)


def test_a_store_that_fails_is_counted(site: RunnerHarness) -> None:
    site.store.fails = True
    site.start()
    site.offer(1)
    site.until(lambda totals: totals.failed == 1)


def test_a_handler_that_hangs_is_abandoned_and_replaced(site: RunnerHarness) -> None:
    stuck = Event()
    site.does = lambda one, _: None if one.number > 1 else stuck.wait(SECONDS) and None
    site.start(timeout=0.02)
    site.offer(1, 2)
    site.until(lambda totals: totals == HandlerCounts(done=1, hung=1))
    assert site.made == 2
    stuck.set()


def test_a_handler_that_hangs_repeatedly_rests(site: RunnerHarness, caplog, monkeypatch) -> None:
    monkeypatch.setattr(handler_runner, "FIRST_REST", 0.2)
    stuck = Event()
    site.does = lambda *_: stuck.wait(SECONDS) and None
    site.start(timeout=0.01)
    site.offer(*range(10))
    site.until(lambda totals: totals.hung + totals.dropped == 10)
    assert site.totals().hung == handler_runner.MOST_TIMEOUTS
    assert "timed out 3 times in a row" in caplog.text
    stuck.set()
    site.does = lambda *_: None
    site.until(lambda totals: site.offer(11) or totals.done > 0)


def test_threads_that_hang_are_bounded(site: RunnerHarness, monkeypatch) -> None:
    monkeypatch.setattr(handler_runner, "MOST_TIMEOUTS", 100)
    monkeypatch.setattr(handler_runner, "FIRST_REST", 0.0)
    stuck = Event()
    site.does = lambda *_: stuck.wait(SECONDS) and None
    site.start(timeout=0.01)
    site.offer(*range(10))
    site.until(lambda totals: totals.hung + totals.dropped == 10)
    assert site.totals().hung == handler_runner.MOST_ABANDONED
    stuck.set()


def test_a_full_queue_drops_the_oldest(site: RunnerHarness, monkeypatch) -> None:
    monkeypatch.setattr(handler_runner, "MOST_WAITING", 3)
    going, begun = Event(), Event()
    site.does = lambda *_: begun.set() or (going.wait(SECONDS) and None)
    site.start()
    site.offer(0)
    assert begun.wait(SECONDS)
    site.offer(*range(1, 6))
    going.set()
    site.until(lambda totals: totals.done == 4)
    assert site.totals().dropped == 2


def test_a_picture_that_was_deleted_is_passed_over(site: RunnerHarness) -> None:
    site.start()
    site.runner.offer([row(7)])
    site.until(lambda totals: totals.dropped == 1)


def test_what_is_no_picture_keeps_no_other(site: RunnerHarness) -> None:
    """What lies in its place would be waited for, or eat all memory."""
    os.mkfifo(site.folder / "1.jpg")
    (site.folder / "2.jpg").mkdir()
    (site.folder / "3.jpg").touch()
    os.truncate(site.folder / "3.jpg", 1 << 40)
    site.start()
    site.runner.offer([row(1), row(2), row(3)])
    site.offer(4)
    site.until(lambda totals: (totals.dropped, totals.done) == (3, 1))


def test_the_end_waits_for_nothing_that_hangs(site: RunnerHarness) -> None:
    stuck, begun = Event(), Event()
    site.does = lambda *_: begun.set() or (stuck.wait(SECONDS) and None)
    site.start()
    site.offer(1, 2, 3)
    assert begun.wait(SECONDS)
    site.runner.end(0.01)
    assert site.totals().dropped == 2
    stuck.set()
    stuck.set()
