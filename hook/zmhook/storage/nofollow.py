"""Open files of an event's folder as root without following other users' links.

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
from typing import TYPE_CHECKING

from zmhook.process.privilege import is_root, name_of
from zmhook.storage import regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINKS = 40
_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: Path, most: int) -> bytes:
    """Return a file's bytes, at most `most`; raises `OSError` and `ValueError`."""
    if not is_root():
        return regular.read(path, most, follow=True)
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
