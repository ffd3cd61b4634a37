"""Prepare a process before all else: signals, standard files, umask, parent, arguments.

What it inherits from its starter may be unusable.
ZoneMinder's zmdc.pl starts programs with SIGCHLD blocked and ignored (the kernel then takes every
child away before we learn how it ended), EventStartCommand with every file closed (the next one
that is opened becomes stdout) and with umask 0 (what we make belongs to everybody).
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self


HOOK_UMASK = 0o007
"""Of hooks and of the service alike, so that both make the same files."""
OTHERS_MAY_NOT_WRITE = 0o002

PR_SET_PDEATHSIG = 1
ARG_START, ARG_END = 48, 49
"""Fields of `/proc/self/stat`, the first is 1."""


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


def conceal(secrets: Iterable[str]) -> bool:
    """Write `x` over secrets in this process's arguments; false where the system does not let us.

    Linux shows them (`ps`, `/proc/PID/cmdline`) from the process's own memory: proc(5),
    `/proc/PID/stat`, arg_start and arg_end. What was shown while Python started stays known.
    """
    by_length = sorted({secret.encode() for secret in secrets if secret}, key=len, reverse=True)
    try:
        return not by_length or _overwrite(by_length)
    except (OSError, ValueError, IndexError):
        return False


def _overwrite(secrets: list[bytes]) -> bool:
    first, end = _argument_range()
    with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
        memory.seek(first)
        shown = memory.read(end - first)
        hidden = _hidden(shown, secrets)
        memory.seek(first)
        memory.write(hidden)
    return Path("/proc/self/cmdline").read_bytes() == hidden


def _argument_range() -> tuple[int, int]:
    # The second field is the command in brackets, and may hold anything, spaces too.
    after = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    return int(after[ARG_START - 3]), int(after[ARG_END - 3])


def _hidden(shown: bytes, secrets: list[bytes]) -> bytes:
    """Return the arguments with secrets hidden: `SECRET`, `-pSECRET`, `mqtt.key=SECRET`."""
    arguments = shown.split(b"\0")
    return b"\0".join(_masked(argument, secrets) for argument in arguments)


def _masked(argument: bytes, secrets: list[bytes]) -> bytes:
    for secret in secrets:
        before = argument[: -len(secret)]
        if argument.endswith(secret) and (not before or before[:1] == b"-" or before[-1:] == b"="):
            return before + b"x" * len(secret)
    return argument


class Signals:
    """Takes the named signals, to wait for in the main thread, until it is closed.

    A handler of Python's may run at any line of the main thread, and there take a lock that this
    thread has. So the handlers do nothing: Python writes the numbers into a pipe.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = tuple(numbers)
        self._before: dict[int, Any] = {}
        self._reader = self._writer = self._wakeup = -1

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in self._numbers:
            self._before[number] = signal.signal(number, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> int | None:
        """Return the next of the signals; None when none comes in time."""
        ready, _, _ = select.select([self._reader], [], [], seconds)
        number = os.read(self._reader, 1)[0] if ready else None
        return number if number in self._numbers else None
