"""What went wrong with files or the index, in words that say what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zmhook.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_BROKEN = {
    getattr(sqlite3, "SQLITE_CORRUPT", 11),  # these names came with Python 3.11
    getattr(sqlite3, "SQLITE_NOTADB", 26),
}

MAKE_ROOM = "make room, or lower snapshot_max_size or snapshot_max_age in [snapshots]"


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn the system's and SQLite's errors into a `StoreError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{folder}: {_of_system(error)}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{folder}: {_of_index(folder, error)}") from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the index's file is broken, rather than busy, full or refused."""
    code = getattr(error, "sqlite_errorcode", None)  # Python 3.11
    if code is not None:
        return code & 0xFF in _BROKEN
    return isinstance(error, sqlite3.DatabaseError) and any(
        sign in str(error) for sign in ("malformed", "not a database")
    )


def _of_system(error: OSError) -> str:
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if error.errno in _FULL:
        return _full(what)
    if error.errno in _REFUSED:
        return _refused(what)
    return f"the store cannot be read or written ({what})"


def _of_index(folder: Path, error: sqlite3.Error) -> str:
    text = str(error)
    # SQLite does not always say what the system said.
    vague = any(sign in text for sign in ("I/O error", "unable to open"))
    if "full" in text or (vague and _is_full(folder)):
        return _full(text)
    if "readonly" in text or (vague and not os.access(folder, os.W_OK)):
        return _refused(text)
    if is_damage(error):
        return (
            f"the index is damaged ({text}): zmhook snapshots run makes it again from the pictures"
        )
    return f"the index cannot be read or written ({text})"


def _full(what: str) -> str:
    return f"the disk is full, nothing was stored: {MAKE_ROOM} ({what})"


def _refused(what: str) -> str:
    return f"it cannot be used: is it read-only, or another user's? ({what})"


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False
