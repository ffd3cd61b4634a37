"""Lock files and folders among processes (flock).

The kernel releases a lock when the last descriptor of it is closed, however its holder ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from zmhook.storage.regular import open_regular

if TYPE_CHECKING:
    from pathlib import Path

PAUSE = 0.02
"""Seconds between two attempts to get a lock that another process holds."""


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder, unless another process holds it. Raises `OSError`."""
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(descriptor: int, seconds: float) -> bool:
    """Lock an open file or folder; False when another process still holds it after `seconds`.

    Raises `OSError`, as file systems do that have no such locks.
    """
    end = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() >= end:
            return False
        time.sleep(PAUSE)
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def lock_file(path: Path, mode: int = 0o660) -> int | None:
    """Make the file if need be and lock it; None when another process holds it.

    Returns a descriptor that holds the lock until it is closed. Raises `OSError`.
    """
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT, mode)
    if try_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def open_folder(folder: Path) -> int:
    """Open a folder to lock it: no lock file is left behind. Raises `OSError`."""
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def is_locked(path: Path) -> bool:
    """Say whether a process holds the file's lock; False without a file. Raises `OSError`."""
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)
