"""What a process takes over from whoever started it, put right before it does anything else.

ZoneMinder's zmdc.pl starts programs with SIGCHLD blocked and ignored (the kernel then takes every
child away before we learn how it ended), EventStartCommand with every file closed (the next one
that is opened becomes stdout) and with umask 0 (what we make belongs to everybody).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys

HOOK_UMASK = 0o007
"""Of hooks and of the service alike, so that both make the same files."""
OTHERS_MAY_NOT_WRITE = 0o002

PR_SET_PDEATHSIG = 1

_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_RSS")
"""Of a shell that had `ulimit -v` or the like; of open files there are never too many."""


def put_right(umask: int = OTHERS_MAY_NOT_WRITE) -> None:
    """Have no signal blocked, children that can be waited for, standard files, such a mask.

    `umask` is added to the mask that there is.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGCHLD, signal.SIGALRM, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    _open_standard_files()
    os.umask(os.umask(0o077) | umask)


def put_aside_limits() -> None:
    """Run as any process does: a service works for others than who started it.

    What takes a right that we do not have (a better priority, as a rule) stays as it is; see
    `niceness`.
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


def _open_standard_files() -> None:
    """Give to /dev/null those that we were started without."""
    for descriptor, flags in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        if not _is_open(descriptor):
            # The lowest that is free is taken, and those below are open by now.
            os.set_inheritable(os.open(os.devnull, flags), True)
    # Python has none where it was started without.
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def hush() -> None:
    """Have nothing come out at stderr, whoever writes there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def end_with_parent(parent: int) -> None:
    """Have the kernel kill us with the parent: stuck in a model, we would not notice."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
