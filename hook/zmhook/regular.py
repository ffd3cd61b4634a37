"""Reading a file where anything may lie in its place: a folder, a FIFO, a link, or no end."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNUSABLE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENXIO,
        errno.EINVAL,
        errno.EFBIG,
        errno.EIO,
    }
)
"""Errors that are about what lies there, and stay; others (too many open files) pass."""


SMALL = 16 << 20
"""Bytes that a file of ours has at the most, where it is no picture."""


def open_regular(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a regular file and return its descriptor; follows no link, waits for no FIFO.

    Raises `OSError`, for what is no regular file with EINVAL.
    """
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, mode)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    return descriptor


def discard(path: Path) -> None:
    """Remove a file, or an empty folder in its place. Raises `OSError`."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        if not path.is_dir() or path.is_symlink():
            raise
        path.rmdir()


def read(path: Path, most: int = SMALL) -> bytes:
    """Return a file's bytes, at most `most`. Raises `OSError`, EFBIG for a larger one."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"has more than {most} bytes", str(path))
    return data
