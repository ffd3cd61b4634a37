"""Limits of this process: its memory, its time, and those of whoever started it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = 4 << 30

_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_RSS")
"""What `ulimit -v` and the like set; open files are left out, there are never too many."""

GRACE = 0.5
"""Seconds after the deadline: the ordinary way out, which says more, comes first."""
HARD_GRACE = 3.0
"""Seconds after the deadline when the kernel ends the process (a thread that never lets go)."""


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
