from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.errors import NotYet, PortalError, Undelivered
from zmhook.report import background as module
from zmhook.report.background import Background, Process
from zmhook.report.jobs import FILMS, KINDS, MESSAGES, Kind
from zmhook.report.spool import Spool, Unit
from zmhook.report.work import Work, pack
from zmhook.settings import General, Notify, Settings


class Doer:
    """What is done for a job `try`: it raises what it is told to, once each."""

    def __init__(self) -> None:
        self.done: list[Work] = []
        self.raises: list[Exception] = []
        self.then: Callable[[Work], None] = lambda _: None

    def __call__(self, work: Work) -> None:
        self.done.append(work)
        if self.raises:
            raise self.raises.pop(0)
        self.then(work)


@pytest.fixture
def doer(monkeypatch) -> Doer:
    """Have the jobs `try` and `film` done by it."""
    doer = Doer()

    class Done(Kind):
        def function(self) -> Callable[[Work], None]:
            return doer

    def kind(lane: str) -> Kind:
        return Done("", lambda _: 3, lambda _: 10.0, lambda _: 60.0, lane=lane)

    monkeypatch.setitem(KINDS, "try", kind(MESSAGES))
    monkeypatch.setitem(KINDS, "film", kind(FILMS))
    return doer


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.of(str(tmp_path))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    general = General(
        base_data_path=str(tmp_path), base_zm_conf_path=str(tmp_path), log_path=str(tmp_path / "l")
    )
    return Settings(general=general, notify=Notify(notify_max_tries=3))


@pytest.fixture
def add(spool, decided, settings) -> Callable[..., str]:
    def add(*jobs: str) -> str:
        return spool.add(*pack(decided(), settings), jobs, 2)

    return add


@pytest.fixture
def work(spool) -> Callable[[], None]:
    return Background(spool, MESSAGES).work


def left(spool: Spool) -> list[tuple[str, int]]:
    return sorted((unit.job, unit.tries) for unit in spool.units())


def test_a_job_that_is_done_leaves_nothing(add, doer, work, spool) -> None:
    add("try")
    work()
    assert [work.decision.event.id for work in doer.done] == [7]
    assert list(spool.folder.iterdir()) == []


def test_only_the_jobs_of_its_lane(add, doer, work, spool) -> None:
    add("try", "film")
    work()
    assert left(spool) == [("film", 0)]
    Background(spool, FILMS).work()
    assert left(spool) == []
    assert len(doer.done) == 2


def test_the_oldest_first(add, doer, work, monkeypatch) -> None:
    entries = []
    for _ in range(3):
        entries.append(add("try"))
        time.sleep(0.002)  # names are made of milliseconds
    work()
    assert [work.id for work in doer.done] == entries


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (Undelivered("down", retry=True), 10),
        (Undelivered("busy", retry=True, after=120), 120),
        (PortalError("down", retry=True), 10),
        (NotYet("soon"), 10),
    ],
)
def test_what_may_work_later_is_done_later(
    error: Exception, pause: float, add, doer, work, spool
) -> None:
    add("try")
    doer.raises = [error]
    work()
    work()  # it is not due
    (unit,) = spool.units()
    assert (unit.job, unit.tries, len(doer.done)) == ("try", 1, 1)
    assert unit.due == pytest.approx(time.time() + pause, abs=9)


def test_attempts_come_to_an_end(add, doer, work, spool, caplog, monkeypatch) -> None:
    monkeypatch.setitem(KINDS, "try", KINDS["try"]._replace(pause=lambda _: 0.0))
    add("try")
    doer.raises = [Undelivered(f"no {n}: plug it in", retry=True) for n in range(9)]
    work()
    assert len(doer.done) == 3
    assert list(spool.folder.iterdir()) == []
    (record,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    said = "event 7 of monitor 2: try was given up after 3 attempts: no 2: plug it in"
    assert record.getMessage() == said
    assert record.monitor_id == 2


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Undelivered("the key is wrong"), "the key is wrong"),
        (PortalError("no"), "no"),
        (ZeroDivisionError("x"), "internal error, please report it (ZeroDivisionError: x)"),
    ],
)
def test_what_stays_wrong_is_given_up_at_once(
    error: Exception, why: str, add, doer, work, spool, caplog
) -> None:
    add("try", "try-2")
    doer.raises = [error]
    work()
    assert [record.getMessage() for record in caplog.records] == [
        f"event 7 of monitor 2: {job} was given up: {why}" for job in ["try"]
    ]
    assert len(doer.done) == 2
    assert left(spool) == []


def test_an_attempt_counts_before_it_is_made(add, doer, work, spool) -> None:
    """So that one which ends the process is not made for ever."""
    counted = []
    add("try")
    doer.then = lambda _: counted.append(left(spool))
    work()
    assert counted == [[("try", 1)]]


def test_a_process_that_was_killed_loses_nothing(add, doer, work, spool) -> None:
    add("try")
    doer.raises = [KeyboardInterrupt()]  # nobody is left to write anything
    with pytest.raises(KeyboardInterrupt):
        work()
    assert left(spool) == [("try", 1)]
    work()
    assert (left(spool), len(doer.done)) == ([], 2)


def test_what_kills_each_process_is_given_up(add, doer, work, spool, caplog) -> None:
    add("try")
    for _ in range(4):
        doer.raises = [KeyboardInterrupt()]
        with pytest.raises(KeyboardInterrupt):
            work()
    work()
    assert (left(spool), len(doer.done)) == ([], 4)
    assert "the process was ended each time" in caplog.text


def test_an_old_job_is_given_up(add, doer, work, spool, caplog, monkeypatch) -> None:
    add("try")
    monkeypatch.setitem(KINDS, "try", KINDS["try"]._replace(age=-3600.0))
    work()
    assert (left(spool), doer.done) == ([], [])
    assert "try was given up: it is more than -1 hours old" in caplog.text


def test_one_that_nobody_knows(add, work, spool, caplog) -> None:
    add("carrier-pigeon")
    work()
    assert left(spool) == []
    assert "this version of zmhook does not know it" in caplog.text


def test_an_entry_that_cannot_be_read(doer, work, spool, caplog) -> None:
    entry = spool.add(b"{", b"", ["try"], 2)
    work()
    assert (list(spool.folder.iterdir()), doer.done) == ([], [])
    assert f"the job {entry}: try was given up: it cannot be read" in caplog.text


def test_a_job_that_another_has_is_left_to_it(add, doer, work, spool) -> None:
    add("try")
    claim = spool.claim(spool.units()[0])
    work()
    assert doer.done == []
    claim.close()
    work()
    assert len(doer.done) == 1


def test_when_the_next_is_due(spool, add) -> None:
    background = Background(spool, MESSAGES)
    assert background.next_due() is None
    entry = add("film")
    spool.add_unit(Unit(entry, "mqtt-off", 0, 5_000_000_000.0))
    spool.add_unit(Unit(entry, "mqtt", 0, 4_000_000_000.0))
    assert background.next_due() == 4_000_000_000.0
    assert Background(spool, FILMS).next_due() is None  # due now


# -- the process -----------------------------------------------------------------------------------


@pytest.fixture
def process(spool, monkeypatch) -> Callable[[], Process]:
    class Logs:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def close(self, _: float = 0) -> None:
            pass

    monkeypatch.setattr("zmhook.logs.Logs", Logs)
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    # The test's own process is heavy and must stay what it is.
    monkeypatch.setattr(Process, "_renew", lambda _: None)

    def make() -> Process:
        slot = spool.slot(MESSAGES, 3)
        assert slot is not None
        return Process(spool, MESSAGES, slot)

    return make


def test_it_ends_when_nothing_is_left(add, doer, process, spool) -> None:
    add("try", "try")
    process().run()
    assert left(spool) == []
    slots = [spool.slot(MESSAGES, 3) for _ in range(3)]
    assert all(slot is not None for slot in slots)  # all places are free


def test_it_waits_for_what_is_due_later(add, doer, process, spool) -> None:
    entry = add()
    spool.add_unit(Unit(entry, "try", 0, time.time() + 0.1))
    process().run()
    assert len(doer.done) == 1


def test_one_waits_the_others_leave(add, doer, process, spool) -> None:
    entry = add()
    spool.add_unit(Unit(entry, "try", 0, 5_000_000_000.0))
    waiting = spool.waiting(MESSAGES)
    process().run()
    assert (left(spool), doer.done) == ([("try", 0)], [])
    os.close(waiting)


def test_a_job_that_comes_while_it_leaves_is_not_forgotten(
    add, doer, process, spool, monkeypatch
) -> None:
    """Its writer has seen all places taken, and started nobody."""
    add("try")
    real, late = os.close, [lambda: add("try")]
    running = process()

    def leave(file: int) -> None:
        if file == running.slot and late:
            late.pop()()
        real(file)

    monkeypatch.setattr(module.os, "close", leave)
    running.run()
    assert (left(spool), len(doer.done)) == ([], 2)


def test_who_waits_long_gives_memory_back(add, doer, process, spool, monkeypatch) -> None:
    class RenewedError(Exception):
        pass

    def renew(_: Process) -> None:
        raise RenewedError

    entry = add()
    monkeypatch.setattr(Process, "_renew", renew)
    monkeypatch.setattr(module, "_HEAVY", ("sys",))
    spool.add_unit(Unit(entry, "try", 0, time.time() + 60))
    with pytest.raises(RenewedError):
        process().run()


def test_memory_is_bounded(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(module.resource, "setrlimit", lambda kind, both: asked.append(both))
    for hard, soft in ((module.resource.RLIM_INFINITY, 4 << 30), (1 << 30, 1 << 30)):
        monkeypatch.setattr(module.resource, "getrlimit", lambda _, hard=hard: (hard, hard))
        module._limit_memory()
        assert asked.pop() == (soft, hard)
