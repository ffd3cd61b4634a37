"""Prepare a process before it does anything else: signals, standard files, umask, parent.

What it inherits from its starter may be unusable.
ZoneMinder's zmdc.pl starts programs with SIGCHLD blocked and ignored (the kernel then takes every
child away before we learn how it ended), EventStartCommand with every file closed (the next one
that is opened becomes stdout) and with umask 0 (what we make belongs to everybody).
"""

from __future__ import annotations

import os
import signal
import sys

HOOK_UMASK = 0o007
"""Of hooks and of the service alike, so that both make the same files."""
OTHERS_MAY_NOT_WRITE = 0o002

PR_SET_PDEATHSIG = 1


def prepare(umask: int = OTHERS_MAY_NOT_WRITE) -> None:
    """Unblock signals, let children be waited for, open the standard files, restrict the umask.

    `umask` is added to the inherited mask.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGCHLD, signal.SIGALRM, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    _open_standard_files()
    os.umask(os.umask(0o077) | umask)


def _open_standard_files() -> None:
    """Open /dev/null for those that we were started without."""
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


def silence_stderr() -> None:
    """Discard whatever anybody writes to stderr."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


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
