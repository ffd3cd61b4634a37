"""The unix socket of a service, the lock that only one service of it can hold, and systemd."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

from zmhook.service.paths import patience_path
from zmhook.service.start import SYSTEMDS
from zmhook.storage.lock import lock_file, unlock

if TYPE_CHECKING:
    from pathlib import Path


LISTEN_FDS_START = 3
BACKLOG = 1024
LOCK_SECONDS = 15.0
"""How long a service that is ending may still hold the lock: more than its last answers take."""


USUAL_SECONDS = 10.0
OFTEN = 3
"""Signs of life in the time after which systemd would end us."""


class ServiceSocket:
    """The socket at a path of ours, or the one that systemd passes (`passed`)."""

    def __init__(self, path: Path, passed: socket.socket | None = None) -> None:
        self.path = path
        self._passed = passed
        self._lock: int | None = None
        self._identity: tuple[int, int] | None = None

    def lock(self) -> bool:
        """Take the lock; False when another service holds it. Raises `OSError`.

        Waits for a service that is just ending: its socket is gone already.
        """
        end = time.monotonic() + LOCK_SECONDS
        while not (is_locked := self._try_lock()):
            if self.path.exists() or time.monotonic() >= end:
                break
            time.sleep(0.05)
        return is_locked

    def unlock(self) -> None:
        """Let another service take the lock while this one ends."""
        if self._lock is not None:
            unlock(self._lock)

    def open(self) -> socket.socket:
        """Return the listening socket. A file at its path is a dead service's: we hold the lock."""
        listening = self._passed or self._bind()
        self._identity = self._current_identity()
        listening.setblocking(False)
        listening.listen(BACKLOG)
        return listening

    @property
    def is_ours(self) -> bool:
        """Whether the file at the path is still this socket, and no other service's."""
        return self._identity == self._current_identity()

    def remove(self) -> None:
        """Remove our socket's files; systemd's socket stays."""
        if not self._passed and self.is_ours:
            self._unlink()

    def close(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _try_lock(self) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = lock_file(self.path.with_suffix(".lock"))
        if self._lock is None:
            return False
        os.truncate(self._lock, 0)
        holder = f"{os.getpid()}\n".encode()
        os.write(self._lock, holder + SYSTEMDS + b"\n" if self._passed else holder)
        return True

    def _bind(self) -> socket.socket:
        self._unlink()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(self.path))
            self.path.chmod(0o660)
        except OSError:
            listening.close()
            raise
        return listening

    def _unlink(self) -> None:
        for path in (self.path, patience_path(self.path)):
            with contextlib.suppress(OSError):
                path.unlink()

    def _current_identity(self) -> tuple[int, int] | None:
        with contextlib.suppress(OSError):
            stat = self.path.stat()
            return stat.st_dev, stat.st_ino
        return None


def passed_socket() -> socket.socket | None:
    """Return the socket that systemd passes to a service it starts on demand."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    return socket.socket(fileno=LISTEN_FDS_START)


class Systemd:
    """Notifies systemd (Type=notify) that we serve, and again and again that we are alive.

    It does nothing where systemd did not start us.
    """

    def __init__(self) -> None:
        # Taken out: what we start must not speak for us.
        address = os.environ.pop("NOTIFY_SOCKET", "")
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        whose = os.environ.pop("WATCHDOG_PID", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._every = USUAL_SECONDS
        if microseconds.isdecimal() and whose in ("", str(os.getpid())):
            self._every = max(0.1, int(microseconds) / 1e6 / OFTEN)

    def ready(self) -> None:
        self._send("READY=1")

    async def keep_alive(self) -> None:
        """Notify it from the event loop for ever, so that a loop that hangs is noticed."""
        while self._address:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._every)

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.connect(self._address)
            to.send(text.encode("ascii"))
