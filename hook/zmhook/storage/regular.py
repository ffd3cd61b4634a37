"""Open and read regular files only: no folder, FIFO or link, and nothing without end."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

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
"""Errors that the file itself causes, and that stay; others (too many open files) pass."""


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a link that leads nowhere"),
)

SMALL = 16 << 20
"""Most bytes of a file of ours that is no picture."""


def open_regular(path: str | Path, flags: int, mode: int = 0o600, *, follow: bool = False) -> int:
    """Open a regular file and return its descriptor; waits for no FIFO.

    It follows a link only with `follow`: where the file is the administrator's or the user's to
    put, not ours. Raises `OSError`, EISDIR for a folder, EINVAL for what else is no regular file.
    """
    flags |= os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, mode)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "is no regular file", str(path))


def obstacle(path: Path) -> str:
    """Return what lies there that is no file, and so cannot be a database; "" when nothing does.

    Opening a FIFO would wait for ever.
    """
    info = status(path)
    if info is None or stat.S_ISREG(info.st_mode):
        return ""
    return next((name for is_it, name in _KINDS if is_it(info.st_mode)), "a device")


def status(path: Path) -> os.stat_result | None:
    """Return the status of the file, of a link itself that leads nowhere; None without any."""
    try:
        return path.stat()
    except OSError:  # a link to nothing, or one that leads round in a circle
        pass
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def discard(path: Path) -> None:
    """Remove a file, or an empty folder in its place. Raises `OSError`."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        if not path.is_dir() or path.is_symlink():
            raise
        path.rmdir()


def read(path: str | Path, most: int = SMALL, *, follow: bool = False) -> bytes:
    """Return a file's bytes, at most `most`; `follow` is that of `open_regular`.

    Raises `OSError`, EFBIG for a larger one, of which nothing is read.
    """
    with reading(path, follow=follow) as file:
        if os.fstat(file.fileno()).st_size <= most:
            data = file.read(most + 1)
            if len(data) <= most:
                return data
    raise OSError(errno.EFBIG, f"has more than {most} bytes", str(path))


def reading(path: str | Path, *, follow: bool = False) -> BinaryIO:
    """Open a regular file to read from it; `follow` is that of `open_regular`."""
    return os.fdopen(open_regular(path, os.O_RDONLY, follow=follow), "rb")
