"""The process's answer: one line on stdout, written once, and the exit code."""

from __future__ import annotations

import fcntl
import os
import threading

from zmhook.printable import printable

FOUND, NOTHING, UNDECIDED = 0, 1, 2


class Answer:
    """Owns stdout, so that nothing but the answer can reach it.

    Native libraries print what they like; from here on their stdout is stderr, and the real one
    takes exactly one line or nothing. The standard files must be open (`startup`).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
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
            finally:
                os.close(self._stdout)
                self._stdout = -1
        return True


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
