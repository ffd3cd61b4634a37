"""The process's answer: one line on stdout, written once, and the exit code."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading

from zmhook.printable import printable

FOUND, NOTHING, UNDECIDED = 0, 1, 2


class Answer:
    """Owns stdout, so that nothing but the answer can reach it.

    Native libraries print what they like; from here on their stdout is stderr, and the real one
    takes exactly one line or nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _open_if_closed(1, 2)
        if sys.stderr is None:  # Python has none when it was started without one
            sys.stderr = os.fdopen(2, "w", closefd=False)
        # Not below 3, so that it can never be taken for a standard file.
        self._stdout = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
        os.dup2(2, 1)

    def give(self, line: str) -> bool:
        """Write the line (nothing when empty) and close stdout; False if it was given before.

        It is one, whatever is in it.

        Raises `OSError` when whoever was to read it has gone.
        """
        with self._lock:
            if self._stdout < 0:
                return False
            try:
                if line:
                    _write_all(self._stdout, printable(line).encode() + b"\n")
                    _tell_shell()
            finally:
                os.close(self._stdout)
                self._stdout = -1
        return True


def _open_if_closed(*descriptors: int) -> None:
    """Give to /dev/null the standard files that a daemon started us without."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        if not _is_open(descriptor):
            os.dup2(nowhere, descriptor)
    if nowhere not in descriptors:
        os.close(nowhere)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _tell_shell() -> None:
    """Let zm_event_start.sh know that an alarm is out.

    Should this process crash after that, the shell must neither answer again nor take the alarm
    back by another exit code.
    """
    shell = os.environ.get("ZMHOOK_SHELL_PID", "")
    if shell.isdigit() and int(shell) == os.getppid():
        with contextlib.suppress(PermissionError):  # root's shell, and we are root no more
            os.kill(int(shell), signal.SIGUSR1)
