"""Jobs from memory: each once, all at the same time, none longer than it may take."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from zmhook.errors import Undelivered
from zmhook.jobs import from_memory as module
from zmhook.jobs.from_memory import MemorySpool, NotTaken, SingleAttempt, can_do
from zmhook.jobs.kinds import FILMS, KINDS, MESSAGES, JobKind
from zmhook.jobs.work import Work, pack
from zmhook.settings import General, Settings

ENTRY = "1732212345678-0123abcd-m2"


@pytest.fixture
def held(decided, tmp_path) -> MemorySpool:
    return MemorySpool(*pack(decided(), Settings(general=General(base_data_path=str(tmp_path)))))


@pytest.fixture
def kind(monkeypatch) -> Callable[..., None]:
    """Have a job done by a function."""

    def make(job: str, does: Callable[[Work], None], seconds: float = 60.0, lane=MESSAGES) -> None:
        class Done(JobKind):
            def function(self) -> Callable[[Work], None]:
                return does

        monkeypatch.setitem(
            KINDS, job, Done("", lambda _: 3, lambda _: 1.0, lambda _: seconds, lane=lane)
        )

    return make


def test_each_is_done_once_with_all_that_it_needs(held, kind, caplog) -> None:
    got: list[Work] = []
    kind("good", got.append)

    def fails(work: Work) -> None:
        got.append(work)
        raise Undelivered("down", retry=True)

    kind("bad", fails)
    with caplog.at_level(logging.INFO):
        SingleAttempt(held, ENTRY).run(["good", "bad"])
    assert sorted(work.unit.job for work in got) == ["bad", "good"]
    assert {work.id for work in got} == {ENTRY}
    assert all(work.frame.image.shape == (480, 640, 3) for work in got)
    assert "event 7 of monitor 2: good went out straight from memory" in caplog.text
    assert "bad is lost, it was tried once from memory: down" in caplog.text


def test_a_bug_in_one_takes_no_other_along(held, kind, caplog) -> None:
    done = []
    kind("good", done.append)

    def breaks(_: Work) -> None:
        raise KeyError("x")

    kind("bad", breaks)
    SingleAttempt(held, ENTRY).run(["bad", "good"])
    assert len(done) == 1
    assert "bad is lost, it was tried once from memory: KeyError" in caplog.text


def test_what_hangs_is_left(held, kind, caplog) -> None:
    go = threading.Event()
    kind("hangs", lambda _: go.wait(60), seconds=0.05)
    SingleAttempt(held, ENTRY).run(["hangs"])
    go.set()
    assert "hangs is lost, it was tried once from memory: took more than 0.05 s" in caplog.text


def test_what_follows_a_message_is_done_in_its_time(held, kind, monkeypatch) -> None:
    slept: list[float] = []
    done = []
    monkeypatch.setattr(module.time, "time", lambda: 1000.0)
    monkeypatch.setattr(module.time, "sleep", slept.append)

    def send(work: Work) -> None:
        work.follow("off", 1060.0)
        work.follow("notes-again", 1005.0)  # not from memory: it waits for an event's end
        work.replace_follower("off", 9000.0)

    kind("on", send)
    kind("off", lambda work: done.append(work.unit.job))
    SingleAttempt(held, ENTRY).run(["on"])
    assert done == ["off", "off"]
    assert slept == [60.0, module.LONGEST_HOLD]


def test_films_are_not_made_from_memory(kind) -> None:
    kind("film", lambda _: None, lane=FILMS)
    assert [job for job in (*KINDS, "apprise-3", "unknown") if not can_do(job)] == [
        "notes-again",
        "notes-last",
        "animation",
        "film",
        "unknown",
    ]


# -- giving ----------------------------------------------------------------------------------------


def test_there_is_an_end_to_processes(monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST", 0)
    with pytest.raises(NotTaken, match="0 processes"):
        module.start(ENTRY, ["webhook"], (b"", b""), {})


def test_processes_of_this_kind_are_counted_by_their_user() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()", "-m", module.MODULE, "--x"]
    before = module._running(os.geteuid())
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert module._running(os.geteuid()) == before + 1
        assert module._running(os.geteuid() + 1_000_000) == 0
        process.communicate(b"\n")


def test_a_process_that_takes_nothing_is_not_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(module, "HAND_OVER", 0.05)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        with pytest.raises(NotTaken, match="took nothing"):
            module._hand_over(process, b"x" * (8 << 20), b"")
        process.kill()


def test_what_ended_while_it_was_handed_over_is_not_begun(monkeypatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module.MODULE, "--entry", ENTRY, "--jobs", "webhook"],
        input=module._HEAD.pack(100, 0) + b"{",
        env=module_environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def module_environment() -> dict[str, str]:
    from zmhook.process.environment import child_environment

    return child_environment()
