"""Turn errors of the disk and of SQLite into messages that say what to do."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zmhook.errors import StoreError
from zmhook.storage.corruption import is_damage
from zmhook.storage.disk import FULL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}

MAKE_ROOM = "make room, or lower snapshot_max_size or snapshot_max_age in [snapshots]"


@contextmanager
def store_errors(folder: Path) -> Iterator[None]:
    """Turn the system's and SQLite's errors into a `StoreError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{folder}: {_of_system(error)}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{folder}: {_of_index(folder, error)}") from error


def _of_system(error: OSError) -> str:
    reason = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if error.errno in FULL:
        return _full(reason)
    if error.errno in _REFUSED:
        return _refused(reason)
    return f"the store cannot be read or written ({reason})"


def _of_index(folder: Path, error: sqlite3.Error) -> str:
    text = str(error)
    # SQLite does not always pass on what the system reported.
    vague = any(sign in text for sign in ("I/O error", "unable to open"))
    if "full" in text or (vague and _is_full(folder)):
        return _full(text)
    if "readonly" in text or (vague and not os.access(folder, os.W_OK)):
        return _refused(text)
    if is_damage(error):
        return f"the index is damaged ({text}): zmhook snapshots run rebuilds it from the pictures"
    return f"the index cannot be read or written ({text})"


def _full(reason: str) -> str:
    return f"the disk is full, nothing was stored: {MAKE_ROOM} ({reason})"


def _refused(reason: str) -> str:
    return f"it cannot be used: is it read-only, or another user's? ({reason})"


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False
