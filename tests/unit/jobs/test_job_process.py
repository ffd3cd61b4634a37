from __future__ import annotations

import errno
import logging
import os
import pwd
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.errors import NotYet, PortalError, Undelivered
from zmhook.jobs import job_process as module
from zmhook.jobs.job_process import JobProcess, JobRunner
from zmhook.jobs.kinds import FILMS, KINDS, MESSAGES, JobKind
from zmhook.jobs.spool import ASIDE, FAILED, Spool, Unit
from zmhook.jobs.work import Work, pack
from zmhook.notify.message import picture_of
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

    class Done(JobKind):
        def function(self) -> Callable[[Work], None]:
            return doer

    def kind(lane: str) -> JobKind:
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
    return JobRunner(spool, MESSAGES).work


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
    JobRunner(spool, FILMS).work()
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
    assert left(spool) == []
    assert [path.suffix for path in spool.folder.iterdir()] == [FAILED]
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


def test_a_clock_that_was_put_back_holds_no_job_up(add, doer, work, spool, monkeypatch) -> None:
    """It was made at a time that has not come yet, by the clock of today."""
    add("try")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    work()
    assert (left(spool), len(doer.done)) == ([], 1)


def test_the_next_attempt_waits_by_the_new_clock() -> None:
    now = 1_000_000_000.0
    made_later = Unit("2000000000000-00000000-m2", "try", 0, 2_000_000_000.0)
    assert made_later.due_at(now) == now
    assert made_later._replace(tries=1, due=now + 30).due_at(now) == now + 30
    assert made_later.due_at(3_000_000_000.0) == 2_000_000_000.0


def test_a_clock_before_1970_makes_a_job_that_is_known(spool) -> None:
    unit = Unit("0000000000000-00000000-m2", "try", 0, -5.0)
    assert Unit.named(unit.name) == unit._replace(due=0.0)


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
    entry = spool.add(b"{", b"", ["try", "mqtt"], 2)
    work()
    work()
    assert (left(spool), doer.done) == ([], [])
    assert {unit.job for unit in spool.units(ASIDE)} == {"try", "mqtt"}
    assert (spool.folder / f"{entry}.json").exists()  # for whoever wants to know
    assert caplog.text.count("cannot be read") == 1
    assert f"the jobs of {entry} cannot be read (" in caplog.text


def test_an_entry_that_is_gone(doer, work, spool, caplog) -> None:
    entry = spool.add(b"{", b"", ["try"], 2)
    (spool.folder / f"{entry}.json").unlink()
    work()
    assert (left(spool), doer.done) == ([], [])
    assert f"the job {entry}: try was given up: what it is made of is gone" in caplog.text


def put_folder(path: Path) -> None:
    path.mkdir()
    (path / "x").touch()


def put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(path.parent, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


def put_endless(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


IN_THE_WAY = {
    "a folder": put_folder,
    "a FIFO": os.mkfifo,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a socket": put_socket,
}
IN_PLACE_OF_DATA = {**IN_THE_WAY, "a file without end": put_endless}


@pytest.mark.parametrize("put", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_cannot_be_opened_keeps_no_other_job(put, add, doer, work, spool, caplog) -> None:
    entry = "1000000000000-00000000-m2"  # the oldest, so that it comes first
    bad = Unit(entry, "try", 0, 1_000_000_000.0)
    good = add("try")
    put(spool.folder / bad.name)
    work()
    work()
    assert [work.id for work in doer.done] == [good]
    assert (left(spool), spool.units(ASIDE)) == ([], [bad])
    assert caplog.text.count("cannot be read") == 1
    assert bad.name in caplog.text


@pytest.mark.parametrize("put", IN_PLACE_OF_DATA.values(), ids=IN_PLACE_OF_DATA)
def test_data_that_cannot_be_read_keeps_no_other_job(
    put, add, doer, work, spool, caplog, settings, decided
) -> None:
    bad = add("try")
    (spool.folder / f"{bad}.json").unlink()
    put(spool.folder / f"{bad}.json")
    good = add("try")
    work()
    assert [work.id for work in doer.done] == [good]
    assert [unit.entry for unit in spool.units(ASIDE)] == [bad]
    assert caplog.text.count("cannot be read") == 1


@pytest.mark.parametrize("put", IN_PLACE_OF_DATA.values(), ids=IN_PLACE_OF_DATA)
def test_a_picture_that_cannot_be_read_costs_the_picture(put, add, doer, work, spool) -> None:
    pictures = []

    def send(work: Work) -> None:
        pictures.append(picture_of(work))

    doer.then = send
    entry = add("try")
    (spool.folder / f"{entry}.picture").unlink()
    put(spool.folder / f"{entry}.picture")
    work()
    assert (pictures, left(spool), spool.units(FAILED)) == ([None], [], [])


def test_a_job_that_the_disk_does_not_let_go_of_keeps_no_other(
    add, doer, work, spool, monkeypatch, caplog
) -> None:
    """Neither renaming nor removing works, as in a folder that turned read-only."""
    bad, good = add("try"), add("try")
    rename = Path.rename

    def refused(path: Path, target: object) -> Path:
        if path.name.startswith(bad):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    work()
    assert [work.id for work in doer.done] == [good]
    assert [unit.entry for unit in spool.units()] == [bad]
    assert "left where it is; the others go on" in caplog.text


def test_too_many_open_files_set_nothing_aside(add, doer, work, spool, monkeypatch) -> None:
    add("try")

    def claim(_: Unit) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(spool, "claim", claim)
    work()
    assert (left(spool), doer.done, spool.units(ASIDE)) == ([("try", 0)], [], [])


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can leave files of root's")
def test_what_root_left_keeps_no_other_job() -> None:
    """As the web server's user, a file that only root may read."""
    with tempfile.TemporaryDirectory(prefix="zmhook-") as folder:
        _root_leaves_files(Path(folder))


def _root_leaves_files(folder: Path) -> None:
    spool = Spool.of(str(folder))
    spool.add(b"{}", b"", ["try"], 2)
    (good,) = spool.units()
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    bad = Unit("1000000000000-00000000-m2", "try", 0, 1_000_000_000.0)
    os.close(os.open(spool.folder / bad.name, os.O_CREAT, 0o600))
    os.close(os.open(spool.folder / "messages.slot-0", os.O_CREAT, 0o600))
    child = os.fork()
    if child == 0:
        try:
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            claim = JobRunner(spool, MESSAGES).claim()
            is_right = claim and claim.unit == good and spool.slot(MESSAGES, 1) is not None
            os._exit(0 if is_right else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert spool.units(ASIDE) == [bad]


@pytest.mark.parametrize("put", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_lies_where_a_worker_locks_makes_way(put, add, doer, process, spool) -> None:
    add("try")
    put(spool.folder / "messages.slot-0")
    put(spool.folder / "messages.waiting")
    process().run()
    assert len(doer.done) == 1


def test_a_job_that_another_has_is_left_to_it(add, doer, work, spool) -> None:
    add("try")
    claim = spool.claim(spool.units()[0])
    work()
    assert doer.done == []
    claim.close()
    work()
    assert len(doer.done) == 1


def test_when_the_next_is_due(spool, add) -> None:
    background = JobRunner(spool, MESSAGES)
    assert background.next_due() is None
    entry = add("film")
    later = float(int(time.time()) + 500)
    spool.add_unit(Unit(entry, "mqtt-off", 0, later + 500))
    spool.add_unit(Unit(entry, "mqtt", 0, later))
    assert background.next_due() == later
    assert JobRunner(spool, FILMS).next_due() is None  # due now


# -- a clock that was ahead and has been set back --------------------------------------------------

AHEAD = 30 * 86400.0


@pytest.fixture
def add_ahead(add, monkeypatch) -> Callable[..., str]:
    """Store jobs by a clock that is a month ahead."""

    def add_ahead(*jobs: str) -> str:
        real = time.time
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: real() + AHEAD)
            return add(*jobs)

    return add_ahead


def test_a_job_of_a_clock_that_was_ahead_is_done_at_once(add_ahead, doer, work, spool) -> None:
    add_ahead("try")
    work()
    assert (left(spool), len(doer.done)) == ([], 1)


def test_it_is_the_oldest(add, add_ahead, doer, work) -> None:
    second, first = add("try"), add_ahead("try")
    work()
    assert [one.id for one in doer.done] == [first, second]


def test_its_next_attempt_waits_as_others_do(add_ahead, doer, work, spool) -> None:
    add_ahead("try")
    doer.raises = [Undelivered("down", retry=True)]
    work()
    work()  # it is not due
    (unit,) = spool.units()
    assert (unit.tries, len(doer.done)) == (1, 1)
    assert unit.due == pytest.approx(time.time() + 10, abs=9)


def test_a_next_attempt_that_was_put_off_by_that_clock_is_made_now(add, doer, work, spool) -> None:
    add("try")
    (unit,) = spool.units()
    claim = spool.claim(unit)
    assert claim
    claim.begin()
    claim.again(time.time() + AHEAD)
    claim.close()
    work()
    assert (left(spool), len(doer.done)) == ([], 1)


def test_nobody_asks_to_be_left_alone_for_longer_than_ten_minutes(
    add, doer, work, spool, monkeypatch
) -> None:
    monkeypatch.setitem(KINDS, "try", KINDS["try"]._replace(age=86400.0))
    add("try")
    doer.raises = [Undelivered("busy", retry=True, after=80_000)]
    work()
    (unit,) = spool.units()
    assert unit.due == pytest.approx(time.time() + 600, abs=9)


def test_a_state_that_is_to_go_off_tomorrow_stays_on_until_then(add, spool) -> None:
    entry = add()
    off = float(int(time.time()) + 86_000)
    spool.add_unit(Unit(entry, "mqtt-off", 0, off))
    assert JobRunner(spool, MESSAGES).next_due() == off


# -- the process -----------------------------------------------------------------------------------


@pytest.fixture
def process(spool, monkeypatch) -> Callable[[], JobProcess]:
    class Logs:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def close(self, _: float = 0) -> None:
            pass

    monkeypatch.setattr("zmhook.logs.Logs", Logs)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    # The test's own process is heavy and must stay what it is.
    monkeypatch.setattr(JobProcess, "_restart", lambda _: None)

    def make() -> JobProcess:
        slot = spool.slot(MESSAGES, 3)
        assert slot is not None
        return JobProcess(spool, MESSAGES, slot)

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
    spool.add_unit(Unit(entry, "try", 0, time.time() + 500))
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
    class RestartedError(Exception):
        pass

    def restart(_: JobProcess) -> None:
        raise RestartedError

    entry = add()
    monkeypatch.setattr(JobProcess, "_restart", restart)
    monkeypatch.setattr(module, "_HEAVY", ("sys",))
    spool.add_unit(Unit(entry, "try", 0, time.time() + 60))
    with pytest.raises(RestartedError):
        process().run()
