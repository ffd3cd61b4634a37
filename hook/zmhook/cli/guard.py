"""Run an event in a child process, so that the hook always answers.

A crash in native code, the kernel's out-of-memory killer, a model or a disk that never returns
ends the child only; the parent, which has loaded nothing, answers in its place. The child ends
with the parent.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from zmhook.cli.output import complain
from zmhook.exit_codes import NOTHING, UNDECIDED
from zmhook.process import startup
from zmhook.text.redact import of_process
from zmhook.text.unexpected import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

CRASHED = 70
CALLED_AT = "ZMHOOK_BEGAN"
"""The environment variable to which zm_event_start.sh writes the first figure of /proc/uptime."""
UPTIME = Path("/proc/uptime")
DEFAULT_SECONDS = 29.0
"""How long the child may take to read its deadline: the default of event_deadline, less the
parent's own time."""
LEAST_SECONDS = 2.0
"""The least time for reading the settings and answering in the child's place: a caller that waited
for a service may have no other time left."""
REAP_SECONDS = 1.0
POLL_SECONDS = 0.01
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def called_at() -> float:
    """Return the time (of `time.monotonic`) at which zm_event_start.sh was called, else now.

    The variable is removed: it is about this event, not about processes that we start.
    """
    now = time.monotonic()
    try:
        began = float(os.environ.pop(CALLED_AT, ""))
        passed = float(UPTIME.read_text("ascii").split()[0]) - began
    except (ValueError, OSError, IndexError):
        return now
    return now - passed if passed >= 0 else now


class Progress:
    """Messages from the child to the parent."""

    def __init__(self, descriptor: int = -1, parent: int = 0) -> None:
        self._descriptor = descriptor
        self._parent = parent

    def must_end(self, cut_off: float, end: float) -> None:
        """Send when to kill the child (by `time.monotonic`), and by when the parent must answer."""
        self._write(f"end {cut_off} {end}\n")

    def answered(self, code: int) -> None:
        """Send that the answer is printed: it and the exit code are final."""
        self._write(f"answered {code}\n")

    def end_with_parent(self) -> None:
        """Have the kernel end this process with the parent; a change of user cancels that."""
        if self._parent:
            startup.end_with_parent(self._parent)

    def failed(self, why: str) -> None:
        """Send in one line why the child ends; the parent puts it in its answer or on stderr."""
        self._write(f"failed {of_process(why)}\n")

    def _write(self, line: str) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):
                os.write(self._descriptor, line.encode("utf-8", "replace"))


class _Ended(BaseException):
    """A signal asks this process to end."""


class Guard:
    """Runs one event: call `run` once."""

    def __init__(self, began: float) -> None:
        self._cut_off = max(began + DEFAULT_SECONDS, time.monotonic() + LEAST_SECONDS)
        self._end: float | None = None
        self._code: int | None = None
        self._why = ""
        self._heard = b""
        self._pid = 0
        self._reader = -1

    def run(self, work: Callable[[Progress], object], undecided: Callable[[str], int]) -> int:
        """Return the exit code that `work` reports, or else that of `undecided`, given the reason.

        After a signal before there was an answer it is 1, and nothing has been printed: the
        server's time-out is over.
        """
        try:
            self._start(work)
            why = self._follow()
            if self._code is not None:
                if self._why:
                    complain(f"ERROR: {self._why}")
                return self._code
            self._code = self._answer_for_it(undecided, why)
        except _Ended:
            self._kill()
            self._hear_rest()
        return NOTHING if self._code is None else self._code

    def _start(self, work: Callable[[Progress], object]) -> None:
        self._reader, writer = os.pipe()
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        self._pid = os.fork()
        if self._pid == 0:
            _child(work, writer, parent)
        os.close(writer)
        for number in _ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _raise)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def _follow(self) -> str:
        """Wait until the child has ended, and return how it ended."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while (left := self._cut_off - time.monotonic()) > 0:
            if poll.poll(left * 1000) and not self._hear():
                return self._how_it_ended()
        self._kill()
        self._hear_rest()
        return "no decision in time ([general] event_deadline)"

    def _hear(self) -> bool:
        """Read messages of the child; return False when it has ended."""
        data = os.read(self._reader, 4096)
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            word, _, rest = line.partition(b" ")
            if word == b"end":
                cut_off, end = rest.split()
                self._cut_off, self._end = float(cut_off), float(end)
            elif word == b"failed":
                self._why = rest.decode("utf-8", "replace")
            else:
                self._code = int(rest)
        return bool(data)

    def _hear_rest(self) -> None:
        os.set_blocking(self._reader, False)
        with suppress(BlockingIOError):
            while self._hear():
                pass

    def _how_it_ended(self) -> str:
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._pid = 0
        if self._why:
            return self._why
        if code < 0:
            return f"the detection process was ended by {_name_of(-code)}"
        return f"the detection process ended with exit code {code}"

    def _answer_for_it(self, undecided: Callable[[str], int], why: str) -> int:
        if self._end is None:
            # It failed to read the settings, and so might we.
            complain(f"ERROR: {why}")
            return UNDECIDED
        # What hung in the child, such as a disk, may hang here.
        left = max(LEAST_SECONDS, self._end - time.monotonic())
        last = threading.Timer(left, os._exit, [UNDECIDED])
        last.daemon = True
        last.start()
        return undecided(why)

    def _kill(self) -> None:
        """Kill the child and wait, but not for ever: a disk may hold even a killed process."""
        if not self._pid:
            return
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        os.kill(self._pid, signal.SIGKILL)
        until = time.monotonic() + REAP_SECONDS
        while os.waitpid(self._pid, os.WNOHANG)[0] == 0 and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        self._pid = 0


def _child(work: Callable[[Progress], object], writer: int, parent: int) -> NoReturn:
    code = CRASHED
    progress = Progress(writer, parent)
    try:
        progress.end_with_parent()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        work(progress)
        code = 0  # unread: a library that calls exit() has not answered
    except Exception as error:  # noqa: BLE001 - the parent answers
        progress.failed(unexpected(error))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        # Everything is written: unloading models and libraries would only cost time.
        os._exit(code)


def _raise(_: int, __: FrameType | None) -> NoReturn:
    raise _Ended


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
