"""Which process serves a socket, and ending it.

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
"""A service that is told to end lets events under way finish; it has less than this for it."""
ASK_SECONDS = 5.0
POLL_SECONDS = 0.05

LOCKS = Path("/proc/locks")
_FLOCK = re.compile(rb"^\d+: FLOCK +ADVISORY +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ", re.MULTILINE)
_OURS = frozenset({b"zmhook.server", b"zmhook.service", b"serve"})
"""Of a command line; `zmhook.service` is what earlier versions were started as."""


class NotOursError(ZmhookError):
    """What holds a service's lock, or listens at its socket, is no service that we may end."""


class Process(NamedTuple):
    """The process that holds the lock, as the kernel knows it."""

    pid: int
    uid: int
    arguments: list[bytes]

    @property
    def is_service(self) -> bool:
        """Whether it runs our module, started by a hook or as `zmhook serve`."""
        return any(argument in _OURS for argument in self.arguments[1:])


def is_running(place: Path) -> bool:
    """Say whether a process holds the lock of this socket's service; raises `OSError`.

    What a dead service left behind is not taken for one: its lock went with it.
    """
    return is_locked(place.with_suffix(".lock"))


def pid_of(place: Path) -> int | None:
    """Return the process that holds the lock, None when none does or the kernel does not tell."""
    found = _holder(place)
    return found.pid if found else None


def serves(place: Path, config: str) -> bool:
    """Say whether the service that holds the lock was started for this configuration."""
    found = _holder(place)
    return found is not None and found.is_service and os.fsencode(config) in found.arguments


def end(place: Path, seconds: float = END_SECONDS) -> bool:
    """End the service and wait for it; say whether it ended by itself.

    One that still runs after so many seconds is killed, and its workers with it. Raises `OSError`,
    and `NotOursError` when it is no service of ours that runs there.
    """
    _tell(place)
    if _gone(place, seconds):
        return True
    if not _signal(place, signal.SIGKILL):
        raise NotOursError(f"{place}: the service there does not end, and cannot be signalled")
    _gone(place, ASK_SECONDS)
    return False


def kill(place: Path) -> bool:
    """Kill the service that holds the lock, and its workers with it; say whether it was told.

    Raises `NotOursError`.
    """
    return _signal(place, signal.SIGKILL)


def kill_and_wait(place: Path) -> None:
    """Kill the service that holds the lock, and wait until it has ended. Raises `NotOursError`."""
    if not kill(place) or not _gone(place, ASK_SECONDS):
        raise NotOursError(f"{place}: the service there does not end, and cannot be signalled")


def _tell(place: Path) -> None:
    """Ask over the socket when it is the holder who listens there; else signal the holder.

    The socket may be another's by now: systemd's, of which the holder knows nothing.
    """
    holder = _holder(place)
    with contextlib.suppress(client.NoService):
        peer = client.peer(place, ASK_SECONDS)
        if holder is None or peer.pid == holder.pid:
            if peer.uid not in (0, os.geteuid()):
                raise NotOursError(
                    f"{place}: {name_of(peer.uid)} listens there, not {name_of(os.geteuid())}:"
                    f" end that process as {name_of(peer.uid)}, and remove the file"
                )
            if client.ask(place, "POST", "/stop", ASK_SECONDS).status == client.STOPPING:
                return
    if not _signal(place, signal.SIGTERM) and is_running(place):
        raise NotOursError(f"{place}: the service there does not answer, and cannot be signalled")


def _signal(place: Path, number: signal.Signals) -> bool:
    """Signal the holder of the lock, where that is a service of our own account's."""
    holder = _holder(place)
    if holder is None:
        return False
    try:
        process = os.pidfd_open(holder.pid)  # from here on the number cannot become another's
    except OSError:
        return not is_running(place)
    try:
        if _holder(place) != holder:
            return not is_running(place)
        _must_be_ours(place, holder)
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)
    return True


def _must_be_ours(place: Path, holder: Process) -> None:
    lock = place.with_suffix(".lock")
    if holder.uid != os.geteuid():
        name = name_of(holder.uid)
        raise NotOursError(
            f"{lock}: process {holder.pid} of {name} holds it: run this as {name}, or end it"
        )
    if not holder.is_service:
        raise NotOursError(
            f"{lock}: process {holder.pid} holds it, which is no zmhook service: end it yourself"
        )


def _gone(place: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while is_running(place):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    return True


# -- what the kernel knows -------------------------------------------------------------------------


def _holder(place: Path) -> Process | None:
    """Return the process that holds the lock, None when there is none or it cannot be known."""
    if not is_running(place):
        return None
    with contextlib.suppress(OSError):
        inode = place.with_suffix(".lock").stat(follow_symlinks=False).st_ino
        locks = _FLOCK.findall(read(LOCKS))
        # The device is left out: for btrfs and overlays it is another one here than in stat(2).
        pids = {int(pid) for pid, number in locks if int(number) == inode}
        found = [process for process in map(_process, pids) if process]
        return next(iter(sorted(found, key=lambda one: not one.is_service)), None)
    return None


def _process(pid: int) -> Process | None:
    """Return what /proc tells of a process; None when it has gone, or is not of this container."""
    try:
        status = read(Path(f"/proc/{pid}/status"))
        arguments = read(Path(f"/proc/{pid}/cmdline")).split(b"\0")
    except OSError:
        return None
    uids = re.search(rb"^Uid:\t\d+\t(\d+)", status, re.MULTILINE)
    return Process(pid, int(uids[1]), arguments) if uids else None
