"""The SQLite file that all our processes share: what was asked when, and what was answered.

It is in WAL mode: a change waits for no disk, so that its lock is held for about a millisecond.
Nothing in it is worth an alarm. A damaged file is set aside for a new one; where none can be
written, this process remembers by itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

log = logging.getLogger(__name__)

FILE = "gemini.sqlite"
BUSY = 2.0
"""Seconds to wait for another process that writes."""
PAUSE = 0.01
MODE = 0o660

_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (number INTEGER PRIMARY KEY, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS asked_at ON asked (at);
CREATE TABLE IF NOT EXISTS held (
    service TEXT PRIMARY KEY, until REAL NOT NULL, short TEXT NOT NULL, why TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, at REAL NOT NULL, answer BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS answers_at ON answers (at);
"""
_SIDE_FILES = ("", "-wal", "-shm")


class Database:
    """Safe for use by several threads; several processes may have the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._inode = 0
        self._memory: sqlite3.Connection | None = None

    @classmethod
    def below(cls, base_data_path: str) -> Database:
        """Return the one of a data folder."""
        return cls(Path(base_data_path, "cache", FILE))

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns, all of whose changes are made or none.

        It may be called again when the file turns out to be damaged. Raises what `work` raises.
        """
        with self._lock:
            try:
                return self._in_file(work)
            except (sqlite3.Error, OSError) as error:
                self._forget_file()
                return _transaction(self._in_memory(error), work)

    def close(self) -> None:
        with self._lock:
            self._forget_file()
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def _in_file(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return _transaction(self._opened(), work)
        except sqlite3.OperationalError:  # locked, read-only, no space: not the file's fault
            raise
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return _transaction(self._opened(), work)

    def _opened(self) -> sqlite3.Connection:
        """Return the connection, a new one when the file was replaced or removed."""
        if self._file is not None and self._inode == _inode(self.path):
            return self._file
        self._forget_file()
        _create(self.path)
        self._inode = _inode(self.path)
        self._file = _connect(self.path)
        _prepare(self._file)
        return self._file

    def _in_memory(self, error: Exception) -> sqlite3.Connection:
        if self._memory is None:
            log.warning(
                "%s: cannot be used (%s); until that is mended each process counts its own "
                "questions and forgets them when it ends",
                self.path,
                error,
            )
            self._memory = _connect(":memory:")
            self._memory.executescript(_SCHEMA)
        return self._memory

    def _set_aside(self, error: Exception) -> None:
        """Rename a damaged file, unless another process has done so."""
        damaged = self._inode
        self._forget_file()
        if damaged and damaged != _inode(self.path):
            return
        log.warning("%s: is damaged (%s): set aside as %s.damaged", self.path, error, FILE)
        for side in _SIDE_FILES:
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.path}{side}").replace(f"{self.path}.damaged{side}")

    def _forget_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
        self._file, self._inode = None, 0


def _connect(place: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(place, timeout=BUSY, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection) -> None:
    """Set a file up. SQLite does not wait for another process that does the same just now."""
    end = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE)
        else:
            return


def _transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return result


def _create(path: Path) -> None:
    """Make the file, for the group too; root gives it to whose the folder is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
    try:
        os.fchmod(descriptor, MODE)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(descriptor)


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
