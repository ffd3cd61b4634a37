"""Limits of this process: its memory, its time, that of a call, and those of whoever started it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


T = TypeVar("T")

MEMORY = 4 << 30

_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_RSS")
"""What `ulimit -v` and the like set; open files are left out, there are never too many."""

GRACE = 0.5
"""Seconds after the deadline: the ordinary way out, which says more, comes first."""
HARD_GRACE = 3.0
"""Seconds after the deadline when the kernel ends the process (a thread that never lets go)."""
MOST_PENDING = 8
"""Timed calls that may run at once, with those that were given up and have not ended."""


class Watchdog:
    """Calls `expired` in its own thread when `seconds` are over, unless stopped before.

    It ends even a process that is stuck in native code.
    """

    def __init__(
        self,
        seconds: float,
        expired: Callable[[], None],
        grace: float | None = None,
        hard_grace: float | None = None,
    ) -> None:
        grace = GRACE if grace is None else grace
        hard_grace = HARD_GRACE if hard_grace is None else hard_grace
        self._timer = threading.Timer(seconds + grace, expired)
        self._timer.daemon = True
        self._timer.start()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + hard_grace)

    def stop(self) -> None:
        self._timer.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)


def limit_memory() -> None:
    """Have this process fail, rather than the machine, when something eats all memory."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def lift() -> None:
    """Lift the limits of whoever started us: a service works for others too.

    A limit that we have no right to lift (a better priority, as a rule) stays; see `niceness`.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    for name in _LIMITS:
        limit = getattr(resource, name)
        _, most = resource.getrlimit(limit)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


class TooManyPending(Exception):
    """Too many earlier calls were given up and have not ended yet."""


class TimedCalls:
    """Runs calls in threads, each within its time and never too many at once. Thread-safe.

    HTTP libraries limit the time between two packets, not that of a whole response: a server that
    sends a byte now and then is never given up by them. A thread that is left behind ends with its
    connection and keeps no process from exiting.
    """

    def __init__(self, most: int = MOST_PENDING) -> None:
        self._free = threading.BoundedSemaphore(most)

    def run(self, call: Callable[[], T], seconds: float) -> T:
        """Return what `call` returns, or raise what it raises.

        Raises `TimeoutError` after `seconds`, and `TooManyPending` without calling anything.
        """
        if not self._free.acquire(blocking=False):
            raise TooManyPending
        thread = _CallThread(call, self._free.release)
        thread.start()
        thread.join(seconds)
        if thread.error is not None:
            raise thread.error
        if not thread.results:
            raise TimeoutError
        return thread.results[0]


class _CallThread(threading.Thread, Generic[T]):
    """Runs one call; `results` or `error` holds its outcome, neither while it goes on."""

    def __init__(self, call: Callable[[], T], ended: Callable[[], None]) -> None:
        super().__init__(name="timed-call", daemon=True)
        self.results: list[T] = []
        self.error: BaseException | None = None
        self._call = call
        self._ended = ended

    def run(self) -> None:
        try:
            self.results.append(self._call())
        except BaseException as error:  # noqa: BLE001 - raised where the call is waited for
            self.error = error
        finally:
            self._ended()
