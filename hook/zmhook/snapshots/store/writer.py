"""The writer's connection to the index, and the index put right when there is none to use."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from zmhook.errors import StoreError
from zmhook.snapshots.store import schema
from zmhook.snapshots.store.index import BUSY
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.trouble import is_damage
from zmhook.storage import corruption, regular
from zmhook.storage.regular import obstacle
from zmhook.storage.sqlite import check_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_DAMAGED = 3
"""Indexes set aside that are kept, the newest."""
WAL_BYTES = 8_000_000
"""What is left of SQLite's log after it grew."""

_BESIDE = ("-wal", "-shm")

log = logging.getLogger(__name__)


def connect(folder: Path) -> sqlite3.Connection:
    """Open the index for writing; make it when there is none, or none that can be read.

    What is damaged is set aside under a name with the date. Raises `StoreError` when a newer
    zmhook made the index, `sqlite3.Error` and `OSError`.
    """
    path = folder / INDEX
    if found := obstacle(path):
        log.warning("%s: %s lies in its place: it is now %s", path, found, _set_aside(path))
    if not path.exists():
        for ending in _BESIDE:  # of an index that somebody deleted: nothing to do with a new one
            regular.discard(path.with_name(INDEX + ending))
        return _open(path)
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        aside = _set_aside(path)
        log.warning(
            "%s is damaged (%s): it is now %s, and made again from the pictures", path, error, aside
        )
    return _open(path)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Do it all, for good when this returns, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back of itself.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def is_same(folder: Path, opened: os.stat_result) -> bool:
    """Whether the index's file is still the one that was opened: somebody may delete it."""
    try:
        return os.path.samestat((folder / INDEX).stat(), opened)
    except FileNotFoundError:
        return False


def _open(path: Path) -> sqlite3.Connection:
    # Handlers store what they found from threads of their own; `Store` lets in one at a time.
    connection = sqlite3.connect(
        path, timeout=BUSY, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    found = schema.version(connection)
    if found > schema.VERSION:
        raise StoreError(schema.too_new(path.parent, found))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema.TABLES}\nCOMMIT;")
    wrong = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if wrong != "ok":
        raise sqlite3.DatabaseError(f"malformed: {wrong}")
    if schema.version(connection) != schema.VERSION:
        raise sqlite3.DatabaseError("malformed: it has tables, but no version")
    check_schema(connection, (schema.TABLES,))


def _set_aside(path: Path) -> Path:
    date = time.strftime("%Y-%m-%d-%H%M%S")
    aside = path.with_name(f"{INDEX}.damaged-{date}")
    for old in sorted(path.parent.glob(f"{INDEX}.damaged-*[0-9]"))[: 1 - MOST_DAMAGED]:
        for ending in ("", *_BESIDE):
            with suppress(OSError):  # a folder is somebody's
                old.with_name(old.name + ending).unlink(missing_ok=True)
    for ending in _BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(INDEX + ending).rename(aside.with_name(aside.name + ending))
    reason = f"set aside as {aside.name}"
    corruption.count(path, corruption.identity(path), reason)
    path.rename(aside)
    return aside
