"""Find the process that serves a socket, and end it.

Whoever may write to the run folder can put any number into any file there. So nothing that is
written in one says whom we signal: the kernel tells who holds the service's lock, and whose
process that is.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import NamedTuple

from zmhook.errors import ZmhookError
from zmhook.process.privilege import name_of
from zmhook.service import client
from zmhook.storage.lock import is_locked
from zmhook.storage.regular import read

END_SECONDS = 30.0
"""Seconds in which a service that ends may finish its events; it takes less."""
ASK_SECONDS = 5.0
POLL_SECONDS = 0.05

LOCKS = Path("/proc/locks")
_FLOCK = re.compile(rb"^\d+: FLOCK +ADVISORY +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ", re.MULTILINE)
_SERVICE_ARGUMENTS = frozenset({b"zmhook.server", b"zmhook.service", b"serve"})
"""Of a command line; `zmhook.service` is what earlier versions were started as."""


class NotOursError(ZmhookError):
    """The lock's holder, or the listener at the socket, is no service that we may end."""


class LockHolder(NamedTuple):
    """The process that holds the lock, as the kernel knows it."""

    pid: int
    uid: int
    arguments: list[bytes]

    @property
    def is_service(self) -> bool:
        """Whether it runs our module, started by a hook or as `zmhook serve`."""
        return any(argument in _SERVICE_ARGUMENTS for argument in self.arguments[1:])


def is_running(socket: Path) -> bool:
    """Say whether a process holds the lock of this socket's service; raises `OSError`.

    What a dead service left behind is not taken for one: its lock went with it.
    """
    return is_locked(socket.with_suffix(".lock"))


def pid_of(socket: Path) -> int | None:
    """Return the process that holds the lock, None when there is none or it is unknown."""
    holder = _holder(socket)
    return holder.pid if holder else None


def serves(socket: Path, config: str) -> bool:
    """Say whether the service that holds the lock was started for this configuration."""
    holder = _holder(socket)
    return holder is not None and holder.is_service and os.fsencode(config) in holder.arguments


def end(socket: Path, seconds: float = END_SECONDS) -> bool:
    """End the service and wait for it; return whether it ended by itself.

    One that still runs after so many seconds is killed, and its workers with it. Raises `OSError`,
    and `NotOursError` when it is no service of ours that runs there.
    """
    _ask_to_end(socket)
    if _has_ended(socket, seconds):
        return True
    if not _signal(socket, signal.SIGKILL):
        raise NotOursError(f"{socket}: the service there does not end, and cannot be signalled")
    _has_ended(socket, ASK_SECONDS)
    return False


def kill(socket: Path) -> bool:
    """Kill the service that holds the lock, and its workers; return whether it was signalled.

    Raises `NotOursError`.
    """
    return _signal(socket, signal.SIGKILL)


def kill_and_wait(socket: Path) -> None:
    """Kill the service that holds the lock, and wait until it has ended. Raises `NotOursError`."""
    if not kill(socket) or not _has_ended(socket, ASK_SECONDS):
        raise NotOursError(f"{socket}: the service there does not end, and cannot be signalled")


def _ask_to_end(socket: Path) -> None:
    """Ask the lock's holder to end over the socket if it listens there, else by a signal.

    The socket may be another's by now: systemd's, of which the holder knows nothing.
    """
    holder = _holder(socket)
    with contextlib.suppress(client.NoService):
        peer = client.peer(socket, ASK_SECONDS)
        if holder is None or peer.pid == holder.pid:
            if peer.uid not in (0, os.geteuid()):
                raise NotOursError(
                    f"{socket}: {name_of(peer.uid)} listens there, not {name_of(os.geteuid())}:"
                    f" end that process as {name_of(peer.uid)}, and remove the file"
                )
            if client.ask(socket, "POST", "/stop", ASK_SECONDS).status == client.STOPPING:
                return
    if not _signal(socket, signal.SIGTERM) and is_running(socket):
        raise NotOursError(f"{socket}: the service there does not answer, and cannot be signalled")


def _signal(socket: Path, number: signal.Signals) -> bool:
    """Signal the lock's holder if it is a service of our own account."""
    holder = _holder(socket)
    if holder is None:
        return False
    try:
        process = os.pidfd_open(holder.pid)  # from here on the number cannot become another's
    except OSError:
        return not is_running(socket)
    try:
        if _holder(socket) != holder:
            return not is_running(socket)
        _must_be_ours(socket, holder)
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)
    return True


def _must_be_ours(socket: Path, holder: LockHolder) -> None:
    lock = socket.with_suffix(".lock")
    if holder.uid != os.geteuid():
        name = name_of(holder.uid)
        raise NotOursError(
            f"{lock}: process {holder.pid} of {name} holds it: run this as {name}, or end it"
        )
    if not holder.is_service:
        raise NotOursError(
            f"{lock}: process {holder.pid} holds it, which is no zmhook service: end it yourself"
        )


def _has_ended(socket: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while is_running(socket):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    return True


# -- what the kernel knows -------------------------------------------------------------------------


def _holder(socket: Path) -> LockHolder | None:
    """Return the process that holds the lock, None when there is none or it cannot be known."""
    if not is_running(socket):
        return None
    with contextlib.suppress(OSError):
        inode = socket.with_suffix(".lock").stat(follow_symlinks=False).st_ino
        locks = _FLOCK.findall(read(LOCKS))
        # The device is left out: for btrfs and overlays it is another one here than in stat(2).
        pids = {int(pid) for pid, number in locks if int(number) == inode}
        holders = [process for process in map(_lock_holder, pids) if process]
        return next(iter(sorted(holders, key=lambda process: not process.is_service)), None)
    return None


def _lock_holder(pid: int) -> LockHolder | None:
    """Read a process from /proc; None when it has gone, or is not in this container."""
    try:
        status = read(Path(f"/proc/{pid}/status"))
        arguments = read(Path(f"/proc/{pid}/cmdline")).split(b"\0")
    except OSError:
        return None
    uids = re.search(rb"^Uid:\t\d+\t(\d+)", status, re.MULTILINE)
    return LockHolder(pid, int(uids[1]), arguments) if uids else None
