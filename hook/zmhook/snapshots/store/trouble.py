"""What went wrong with files or the index, in words that say what to do."""

from __future__ import annotations

import errno
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
        raise StoreError(f"{folder}: {_of_index(error)}") from error


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
        return f"the disk is full, nothing was stored: {MAKE_ROOM} ({what})"
    if error.errno in _REFUSED:
        return f"it cannot be written to: is it read-only, or another user's? ({what})"
    return f"the store cannot be read or written ({what})"


def _of_index(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return f"the disk is full, nothing was stored: {MAKE_ROOM} ({text})"
    if "readonly" in text:
        return f"it cannot be written to: is it read-only, or another user's? ({text})"
    if is_damage(error):
        return (
            f"the index is damaged ({text}): zmhook snapshots run makes it again from the pictures"
        )
    return f"the index cannot be read or written ({text})"
