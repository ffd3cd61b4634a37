"""`python -m zmhook.jobs.from_memory`: send messages from memory when the disk takes no jobs.

`start` gives an event's jobs to such a process through a pipe, so that whoever answers events waits
for nobody. Each is tried once, all at the same time, and then the process ends: nothing is kept.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import select
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from zmhook.errors import ZmhookError
from zmhook.jobs.kinds import LANES, kind_of
from zmhook.jobs.spool import Unit
from zmhook.process import environment

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence

    from zmhook.jobs.work import Work
    from zmhook.settings import Settings

log = logging.getLogger("zmhook.jobs.from_memory")  # also when it is run as __main__

MODULE = "zmhook.jobs.from_memory"
MOST = 16
"""Processes at a time. Above that messages are lost: memory has an end too."""
LANE = next(iter(LANES))
"""Jobs of other lanes (films) are not done: they write files, and take their time."""
ONCE = frozenset({"notes-again", "notes-last"})
"""Jobs that only see whether another one has lasted."""
HAND_OVER = 5.0
"""Seconds in which the process must have taken what it is given."""
LONGEST_HOLD = 3600.0
"""Seconds after which what follows a message (a state that goes off) is done in any case."""
_PIPE = 1 << 20
_HEAD = struct.Struct(">QQ")


class NotTaken(ZmhookError):
    """The jobs could not be given to a process."""


# -- giving ----------------------------------------------------------------------------------------


def can_do(job: str) -> bool:
    kind = kind_of(job)
    return kind is not None and kind.lane == LANE and job not in ONCE


def start(
    entry: str, jobs: Iterable[str], packed: tuple[bytes, bytes], variables: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Have jobs of an entry done by a process of their own, which has all it needs on return.

    `packed` is what `work.pack` returns, `variables` are for its environment. Raises `NotTaken`
    and `OSError`.
    """
    if _running(os.geteuid()) >= MOST:
        raise NotTaken(f"{MOST} processes send from memory already")
    command = [sys.executable, "-m", MODULE, "--entry", entry, "--jobs", ",".join(jobs)]
    process = environment.start_detached(command, with_input=True, variables=variables)
    try:
        _hand_over(process, *packed)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def _hand_over(process: subprocess.Popen[bytes], data: bytes, picture: bytes) -> None:
    assert process.stdin  # noqa: S101 - it is a pipe
    with process.stdin as stdin:
        pipe = stdin.fileno()
        with suppress(OSError):  # more than this user may have: then the process has to read first
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        os.set_blocking(pipe, False)
        until = time.monotonic() + HAND_OVER
        for part in (_HEAD.pack(len(data), len(picture)), data, picture):
            rest = memoryview(part)
            while rest:
                if not select.select([], [pipe], [], max(0.0, until - time.monotonic()))[1]:
                    raise NotTaken(f"the process took nothing for {HAND_OVER:g} s")
                with suppress(BlockingIOError):
                    rest = rest[os.write(pipe, rest) :]


def _running(uid: int) -> int:
    """Return how many such processes a user has. A lock would need a disk."""
    count = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if folder.stat().st_uid == uid:
                    count += f"\0-m\0{MODULE}\0".encode() in (folder / "cmdline").read_bytes()
    return count


# -- the process -----------------------------------------------------------------------------------


class MemorySpool:
    """Stands in for a spool, with one entry that is in memory."""

    def __init__(self, data: bytes, picture: bytes) -> None:
        self._data = data
        self._picture = picture
        self.following: list[Unit] = []

    def data(self, _: str) -> bytes:
        return self._data

    def picture(self, _: str) -> bytes:
        return self._picture

    def add_unit(self, unit: Unit) -> None:
        if can_do(unit.job):
            self.following.append(unit)

    def remove(self, units: Iterable[Unit]) -> None:
        """Do nothing: what is there of older events is in their own processes."""

    def units(self) -> list[Unit]:
        return []


class SingleAttempt:
    """Tries each job of an entry once; `run` ends when all have ended or their time is over."""

    def __init__(self, held: MemorySpool, entry: str) -> None:
        self._held = held
        self._entry = entry

    def run(self, jobs: Sequence[str]) -> None:
        now = time.time()
        self._do([Unit(self._entry, job, 1, now) for job in jobs])
        for unit in self._held.following:
            time.sleep(min(max(0.0, unit.due - time.time()), LONGEST_HOLD))
            self._do([unit])

    def settings(self) -> Settings:
        return self._work(Unit(self._entry, "", 1, 0.0)).settings

    def _work(self, unit: Unit) -> Work:
        from zmhook.jobs.work import unpack

        return unpack(self._held, unit)

    def _do(self, units: Sequence[Unit]) -> None:
        works = [self._work(unit) for unit in units]
        threads = [Thread(target=_try, args=[work], daemon=True) for work in works]
        for thread in threads:
            thread.start()
        seconds = max((_seconds(work) for work in works), default=0.0)
        until = time.monotonic() + seconds
        for thread, work in zip(threads, works, strict=True):
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                _lost(work, f"took more than {seconds:.3g} s")


def _seconds(work: Work) -> float:
    kind = kind_of(work.unit.job) if work.unit else None
    return kind.seconds(work.settings) if kind else 0.0


def _try(work: Work) -> None:
    assert work.unit  # noqa: S101 - all of ours have one
    kind = kind_of(work.unit.job)
    if kind is None:
        return
    try:
        kind.function()(work)
    except ZmhookError as error:
        _lost(work, str(error))
    except Exception as error:
        log.debug("%s: %s", work.decision.event, work.unit.job, exc_info=True)
        _lost(work, f"{type(error).__name__}: {error}".partition("\n")[0])
    else:
        event = work.decision.event
        more = {"monitor_id": event.monitor_id}
        log.info("%s: %s went out straight from memory", event, work.unit.job, extra=more)


def _lost(work: Work, why: str) -> None:
    event, job = work.decision.event, work.unit.job if work.unit else ""
    text = "%s: %s is lost, it was tried once from memory: %s"
    log.error(text, event, job, why, extra={"monitor_id": event.monitor_id})


def _received() -> tuple[bytes, bytes]:
    """Read what `start` hands over; raises `EOFError` when it ended before it had done so."""
    stdin = sys.stdin.buffer
    sizes = _HEAD.unpack(_exactly(stdin.read(_HEAD.size), _HEAD.size))
    data, picture = (_exactly(stdin.read(size), size) for size in sizes)
    return data, picture


def _exactly(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise EOFError
    return data


def main(argv: Sequence[str] | None = None) -> int:
    environment.trust_environment()
    args = _parser().parse_args(argv)
    try:
        held = MemorySpool(*_received())
    except EOFError:
        return 1
    from zmhook.logs import Logs
    from zmhook.process.limits import limit_memory

    limit_memory()
    once = SingleAttempt(held, args.entry)
    logs = Logs(once.settings(), None)
    once.run(args.jobs.split(","))
    logs.close()
    # Threads that hang are not waited for.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}")
    parser.add_argument("--entry", required=True, help="the name that its deliveries have")
    parser.add_argument("--jobs", required=True, help="what to do, between commas")
    return parser


if __name__ == "__main__":
    sys.exit(main())
