"""Open and read regular files only: no folder, FIFO or link, and nothing without end.

The folders of events are ZoneMinder's, and so is what lies in them. A root that stays root would
read and write what a link in them names. So it goes there step by step, from one open folder to the
next, and follows only links of root's own; the file itself is never a link. Other accounts open
files by their name: they reach nothing that they could not reach anyway.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from zmhook.process.privilege import is_root, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator
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
MOST_LINKS = 40
_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


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


# -- in the folder of an event ---------------------------------------------------------------------


def read_event_file(path: Path, most: int) -> bytes:
    """Return the bytes of a file of an event, at most `most`; raises `OSError`, `ValueError`."""
    if not is_root():
        return read(path, most, follow=True)
    with os.fdopen(_opened(path), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"has more than {most} bytes", str(path))
    return data


@contextmanager
def name_of_file(path: Path) -> Iterator[str]:
    """Give a name for a library to open the file by, as long as this lasts. Raises `OSError`."""
    if not is_root():
        yield str(path)
        return
    descriptor = _opened(path)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@contextmanager
def open_folder(folder: Path) -> Iterator[int | None]:
    """Give an open folder for the `dir_fd` of other calls; None where its name will do.

    Raises `OSError`, ELOOP for a link that root does not follow.
    """
    if not is_root():
        yield None
        return
    descriptor = _walked(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    with open_folder(path.parent) as folder:
        try:
            descriptor = os.open(path.name, _READ, dir_fd=folder)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise OSError(errno.ELOOP, "is a link, which root does not follow", str(path)) from None
        try:
            _check(descriptor, folder, path)
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def _check(descriptor: int, folder: int | None, path: Path) -> None:
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    # Who may write to a folder can give another's file a second name there.
    if folder is not None and info.st_nlink > 1 and info.st_uid != os.fstat(folder).st_uid:
        raise OSError(errno.EPERM, "has another name elsewhere; root does not open it", str(path))


def _walked(folder: Path) -> int:
    """Open a folder; only root's own links are followed."""
    todo = os.path.abspath(folder).split("/")  # noqa: PTH100 - resolve() would follow links
    here, links = os.open("/", _STEP), 0
    try:
        while todo:
            name = todo.pop(0)
            if name in ("", "."):
                continue
            step = os.open(name, _STEP, dir_fd=here)
            info = os.fstat(step)
            if not stat.S_ISLNK(info.st_mode):
                os.close(here)
                here = step
                continue
            try:
                links += 1
                target = _target(step, info.st_uid, name, folder, links)
            finally:
                os.close(step)
            if target.startswith("/"):
                os.close(here)
                here = os.open("/", _STEP)
            todo[:0] = target.split("/")
        if not stat.S_ISDIR(os.fstat(here).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    except BaseException:
        os.close(here)
        raise
    return here


def _target(link: int, uid: int, name: str, folder: Path, links: int) -> str:
    if uid:
        why = f"leads through {name}, a link of {name_of(uid)}'s, which root does not follow"
        raise OSError(errno.ELOOP, why, str(folder))
    if links > MOST_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
    return os.readlink("", dir_fd=link)
