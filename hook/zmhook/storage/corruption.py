"""A damaged SQLite file: noticed, set aside once, whoever notices it, and counted."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from zmhook.storage import lock, regular

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

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file."""

TALLY = ".damage"
"""Ends the name of the file that counts, beside the database."""

_SHORT_READ = 522
"""SQLite's number for a file that ends before it should."""

_BROKEN = {
    getattr(sqlite3, "SQLITE_CORRUPT", 11),  # these names came with Python 3.11
    getattr(sqlite3, "SQLITE_NOTADB", 26),
}


class Damaged(Exception):
    """The file is no usable database; `file` says which one, as `identity` does."""

    def __init__(self, file: File | None, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(reason)


def is_damage(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)  # Python 3.11
    if code is not None:
        return code & 0xFF in _BROKEN or code == _SHORT_READ
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


class Tally(Struct):
    """How often a database was damaged or deleted; of the last time when and what that was.

    `file` is the one that it befell: whoever has that open need not tell it again.
    """

    count: int = 0
    last: float = 0.0
    reason: str = ""
    file: File | None = None


def identity(path: Path) -> File | None:
    """Return which file it is, of a link that leads nowhere which link; None when none is there."""
    found = regular.status(path)
    return (found.st_dev, found.st_ino) if found else None


def tally(path: Path) -> Tally:
    """Return how often the database was damaged; what cannot be read counts as never."""
    from zmhook.text.bounded_json import Unreadable, decoded

    try:
        return decoded(regular.read(path.with_name(path.name + TALLY)), Tally)
    except (OSError, Unreadable):
        return Tally()


def gone(path: Path, file: File | None, reason: str) -> None:
    """Tell and count that a file in use is not there any more, if nobody has yet."""
    with alone(path):
        if tally(path).file != file:
            log.warning("%s: %s while it was in use; what was in it is lost", path, reason)
            count(path, file, reason)


def set_aside(path: Path, damage: Damaged) -> None:
    """Rename the file, unless another process was faster and there is a new one already."""
    with alone(path):
        if damage.file is None or identity(path) != damage.file:
            return
        aside = _free(path)
        # What belongs to it goes first: a new file must not find it.
        for suffix in (*BESIDE, ""):
            beside = path.with_name(path.name + suffix)
            if os.path.lexists(beside):
                beside.rename(f"{aside}{suffix}")
        count(path, damage.file, damage.reason)
        log.warning(
            "%s: it is damaged (%s); set aside as %s, going on with a new one",
            path,
            damage.reason,
            aside.name,
        )
        _forget_old(path)


def clear_beside(path: Path) -> None:
    """Set aside what lies where SQLite keeps its own and is no file; the database may be sound."""
    for suffix in BESIDE:
        beside = path.with_name(path.name + suffix)
        if found := regular.obstacle(beside):
            aside = _free(path)
            beside.rename(f"{aside}{suffix}")
            log.warning("%s: it is %s; set aside as %s%s", beside, found, aside.name, suffix)


def _free(path: Path) -> Path:
    """Return a name that nothing has, with the time in it."""
    name = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    numbers = range(1, 1000)
    for free in (path.with_name(one) for one in (name, *(f"{name}-{n}" for n in numbers))):
        if not any(os.path.lexists(f"{free}{suffix}") for suffix in ("", *BESIDE)):
            return free
    return path.with_name(f"{name}-{os.getpid()}")


def count(path: Path, file: File | None, reason: str) -> None:
    """Count it in the file beside; a disk that takes nothing is no reason to stop."""
    from msgspec import json

    from zmhook.storage import atomic

    new = Tally(tally(path).count + 1, time.time(), reason, file)
    with suppress(OSError):  # what was to be told is in the log
        atomic.write(path.with_name(path.name + TALLY), json.encode(new), 0o660)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the folder, so that of several who find the damage one acts.

    Raises `OSError` when another process holds it for longer than `LONGEST_WAIT`.
    """
    folder = lock.open_folder(path.parent)
    try:
        if not lock.lock_within(folder, LONGEST_WAIT):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path.parent))
        yield
    finally:
        os.close(folder)


def _forget_old(path: Path) -> None:
    aside = f"{path.name}.damaged-"
    mains = sorted(
        (
            file
            for file in path.parent.iterdir()
            if file.name.startswith(aside) and not file.name.endswith(BESIDE)
        ),
        key=lambda file: file.name,
    )
    for main in mains[:-MOST_KEPT]:
        for suffix in (*BESIDE, ""):
            with suppress(OSError):  # a folder is somebody's
                main.with_name(main.name + suffix).unlink(missing_ok=True)
