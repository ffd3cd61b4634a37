"""Which process serves a socket, and ending it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from typing import TYPE_CHECKING

from zmhook.service import client

if TYPE_CHECKING:
    from pathlib import Path

END_SECONDS = 30.0
"""A service that is told to end lets events under way finish; it has less than this for it."""
ASK_SECONDS = 5.0
LOOK_EVERY = 0.05


def is_running(place: Path) -> bool:
    """Say whether a process holds the lock of this socket's service; raises `OSError`."""
    return pid_of(place) is not None


def pid_of(place: Path) -> int | None:
    """Return the process that holds the service's lock, None when none does; raises `OSError`.

    What a dead service left behind is not taken for one: its lock went with it.
    """
    while True:
        held = _held_by(place)
        if held != "":
            return None if held is None else int(held)
        # Somebody has just taken the lock and is about to write its number.
        time.sleep(LOOK_EVERY)


def end(place: Path, seconds: float = END_SECONDS) -> bool:
    """End the service and wait for it; say whether it ended by itself. Raises `OSError`.

    One that still runs after so many seconds is killed, and its workers with it. It is told by a
    signal, since its socket may be another's by now; over the socket only where we may not signal.
    """
    _tell(place)
    if _gone(place, seconds):
        return True
    _signal(place, signal.SIGKILL)
    _gone(place, ASK_SECONDS)
    return False


def _tell(place: Path) -> None:
    try:
        _signal(place, signal.SIGTERM)
    except PermissionError:
        with contextlib.suppress(client.NoService):
            client.ask(place, "POST", "/stop", ASK_SECONDS)


def _signal(place: Path, number: signal.Signals) -> None:
    pid = pid_of(place)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _gone(place: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while is_running(place):
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_EVERY)
    return True


def _held_by(place: Path) -> str | None:
    """Return what stands in the lock file while somebody holds it, else None."""
    try:
        lock = os.open(place.with_suffix(".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(lock, 20).decode("ascii").strip()
    finally:
        os.close(lock)
    return None
