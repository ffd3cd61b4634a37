"""Explain why a folder takes no files, and reserve room on its disk for messages."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from zmhook.process.privilege import name_of
from zmhook.storage.regular import discard, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM})
FILES = 8
"""Of the reserve: several, because a disk may run out of files before it runs out of room."""
BYTES = 512 << 10
"""Of each of them: all together hold a picture and what belongs to it."""
TIMES = 4
"""It is made where so many times as much is free."""


def trouble(error: OSError, folder: Path) -> str:
    """Return one line about an error of writing below `folder`, which need not exist."""
    there, who = existing(folder), name_of(os.geteuid())
    disk = f"{folder}: the disk at {mount_point(there)}"
    if error.errno in _REFUSED:
        return (
            f"{error.filename or there}: {who} may not write there, it belongs to"
            f" {name_of(there.stat().st_uid)}: run the hook as that user, or give the folder away"
        )
    if error.errno == errno.ENOSPC and _has_no_inodes(there):
        return f"{disk} can hold no more files (df -i): remove some"
    known = {
        errno.ENOSPC: f"{disk} is full: make room",
        errno.EDQUOT: f"{disk} gives {who} no more room (quota): make room, or raise it",
        errno.EROFS: f"{disk} is read-only: look why (dmesg), and mount it to be written to",
        errno.EFBIG: f"{folder}: the size of files is limited (ulimit -f): lift that",
    }
    other = f"{error.filename or folder}: {error.strerror or error}"
    return known.get(error.errno or 0, other)


def free(folder: Path) -> tuple[int, int | None]:
    """Return the bytes and the files that there is room for; None where files are not counted.

    Raises `OSError`.
    """
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None


def existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there."""
    return next((path for path in (folder, *folder.parents) if path.is_dir()), folder)


def mount_point(folder: Path) -> Path:
    """Return where the disk of a folder begins, as `df` names it."""
    return next((path for path in (folder, *folder.parents) if os.path.ismount(path)), folder)


def _has_no_inodes(folder: Path) -> bool:
    try:
        return free(folder)[1] == 0
    except OSError:
        return False


# -- the reserve -----------------------------------------------------------------------------------


def keep_reserve(folder: Path) -> None:
    """Make what is missing of the reserve, where there is room. Raises nothing."""
    missing = [path for path in _paths(folder) if not os.path.lexists(path)]
    if not missing:
        return
    with suppress(OSError):
        room, files = free(folder)
        if room < TIMES * FILES * BYTES or (files is not None and files < TIMES * FILES):
            return
        for path in missing:
            _make(path)


def release_reserve(folder: Path) -> bool:
    """Remove the reserve; say whether there was any. Raises nothing."""
    removed = False
    for path in _paths(folder):
        if os.path.lexists(path):
            with suppress(OSError):
                discard(path)
                removed = True
    return removed


def _make(path: Path) -> None:
    """Make one file that really has its room. Raises `OSError`, and leaves nothing then."""
    descriptor = open_regular(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        os.posix_fallocate(descriptor, 0, BYTES)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _paths(folder: Path) -> Iterator[Path]:
    return (folder / f"reserve-{number}" for number in range(FILES))
