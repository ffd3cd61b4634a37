"""A damaged SQLite file: noticed, and set aside once, whoever notices it."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)

File = tuple[int, int]
"""Device and inode: a new file of the same name is another one."""

MOST_KEPT = 3
"""Damaged files that are kept, the newest ones."""

LONGEST_WAIT = 2.0
"""Seconds for another process that sets the file aside; renaming takes no time."""

_BROKEN = {
    getattr(sqlite3, "SQLITE_CORRUPT", 11),  # these names came with Python 3.11
    getattr(sqlite3, "SQLITE_NOTADB", 26),
}


class Damaged(Exception):  # noqa: N818 - never leaves the modules that open files
    """The file is no usable database; `file` says which one, as `identity` does."""

    def __init__(self, file: File | None, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(reason)


def is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)  # Python 3.11
    if code is not None:
        return code & 0xFF in _BROKEN
    return any(sign in str(error) for sign in ("malformed", "not a database"))


@contextmanager
def noticed(file: File | None) -> Iterator[None]:
    """Tell damage from all other errors."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            raise Damaged(file, str(error)) from error
        raise


def identity(path: Path) -> File | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def set_aside(path: Path, damage: Damaged) -> None:
    """Rename the file, unless another process was faster and there is a new one already."""
    with _alone(path):
        if damage.file is None or identity(path) != damage.file:
            return
        aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        # What belongs to it goes first: a new file must not find it.
        for suffix in ("-wal", "-shm", ""):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                beside.rename(f"{aside}{suffix}")
        log.warning(
            "%s: it is damaged (%s); set aside as %s, going on with a new one",
            path,
            damage.reason,
            aside.name,
        )
        _forget_old(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the folder, so that of several who find the damage one acts."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(folder)
        yield
    finally:
        os.close(folder)


def _lock(folder: int) -> None:
    """Raise `OSError` when another process holds it for longer than `LONGEST_WAIT`."""
    end = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _forget_old(path: Path) -> None:
    aside = f"{path.name}.damaged-"
    mains = sorted(
        (
            file
            for file in path.parent.iterdir()
            if file.name.startswith(aside) and not file.name.endswith(("-wal", "-shm"))
        ),
        key=lambda file: file.name,
    )
    for main in mains[:-MOST_KEPT]:
        for suffix in ("-wal", "-shm", ""):
            main.with_name(main.name + suffix).unlink(missing_ok=True)
