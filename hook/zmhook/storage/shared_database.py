"""SQLite databases that stay open between uses, for days in a worker; one falls back to memory."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakSet, finalize

from zmhook.errors import StateError
from zmhook.storage import sqlite
from zmhook.storage.corruption import (
    Damaged,
    File,
    blaming_schema,
    count_loss,
    damage_count,
    identity,
    raising_damaged,
    with_new_file,
)
from zmhook.storage.sqlite import WAL_BYTES, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


T = TypeVar("T")

MOST_OPEN = 8

SMALL = 8 << 20
LEAST, UNIT = 512, 512
"""Bytes of the smallest database; every page size is a multiple of the other."""

log = logging.getLogger(__name__)

_open: OrderedDict[str, SharedDatabase] = OrderedDict()
_lock = threading.Lock()
_alive: WeakSet[SharedDatabase] = WeakSet()
"""All of this process, to be closed at its end."""
_inherited: list[object] = []
"""Connections of the process that forked us: SQLite wants them neither used nor closed here."""


class SharedDatabase:
    """One database. Safe for use by several threads, and by many processes with one each."""

    _connection: sqlite3.Connection | None = None

    def __init__(self, path: str | Path, schema: Sequence[str]) -> None:
        self.path = Path(path)
        self._schema = schema
        self._lock = threading.Lock()
        self._file: File | None = None
        self._vitals: Vitals | None = None
        self._pid = os.getpid()
        _alive.add(self)

    def __del__(self) -> None:
        """Close it with its last user: nobody else would, and Python 3.13 warns of that."""
        self._close()

    def use(self, task: Callable[[sqlite3.Connection], T]) -> T:
        """Run `task`, once more with a new file when this one turns out to be damaged.

        Raises `StateError` as `sqlite.open_database` does.
        """
        with self._lock, sqlite.state_errors(self.path):
            return with_new_file(self.path, lambda: self._attempt(task))

    @property
    def is_of_this_process(self) -> bool:
        """Say whether it was used here, and not only before a fork: then its lock may be held."""
        return self._pid == os.getpid()

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._lock:
            self._close()

    def _attempt(self, task: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connected()
            with raising_damaged(self._file), blaming_schema(connection, self._schema):
                sqlite.check_schema(connection, self._schema)
                result = task(connection)
        except Damaged:
            self._close()
            raise
        self._vitals = Vitals.of(self.path)
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            _inherited.append(self._connection)
            self._connection, self._pid = None, os.getpid()
        if self._connection is not None:
            self._examine()
        return self._connection or self._opened()

    def _opened(self) -> sqlite3.Connection:
        self._connection = sqlite.open_database(self.path, self._schema, any_thread=True)
        self._file = identity(self.path)
        return self._connection

    def _examine(self) -> None:
        """Check what happened to the file since its last use; SQLite itself reads few pages.

        Raises `Damaged`.
        """
        if (there := identity(self.path)) != self._file:
            self._replaced("it was replaced" if there else "it was deleted")
            return
        now, before = Vitals.of(self.path), self._vitals
        if now == before or before is None:
            return
        if reason := now.flaw():
            raise Damaged(self._file, reason)
        if now.is_suspect(before):
            self._probed(now.loss(before), thorough=now.has_shrunk(before) or now.is_small)

    def _replaced(self, reason: str) -> None:
        """Open the file that has the name now, instead of the one that lost it."""
        before, file = damage_count(self.path), self._file
        self._close()
        self._opened()
        if damage_count(self.path) == before:  # else it was damaged, and that is logged
            count_loss(self.path, file, reason)

    def _probed(self, loss: str, *, thorough: bool) -> None:
        """Open the file again and check whether it is sound."""
        self._close()
        connection = self._opened()
        with raising_damaged(self._file):
            sqlite.probe(connection, thorough=thorough or bool(loss))
        if loss:
            log.warning("%s: %s; what is left is sound, the last entries are lost", self.path, loss)

    def _close(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
            self._connection = None


class Vitals(NamedTuple):
    """The sizes of the file and of its log, the file's last change, and which log it is.

    They show from outside that somebody tampered with a database in use.
    """

    size: int
    changed: int
    log: File | None
    log_size: int

    @classmethod
    def of(cls, path: Path) -> Vitals:
        """Return the present ones; raises `OSError`."""
        main = path.stat()
        try:
            log = path.with_name(f"{path.name}-wal").stat()
        except FileNotFoundError:
            return cls(main.st_size, main.st_ctime_ns, None, 0)
        return cls(main.st_size, main.st_ctime_ns, (log.st_dev, log.st_ino), log.st_size)

    def flaw(self) -> str:
        """Return what shows that it is no database any more; "" when nothing does."""
        return "it was cut short" if self.size < LEAST or self.size % UNIT else ""

    def is_suspect(self, before: Vitals) -> bool:
        """Say whether another one than the user of `before` has written to the file or its log.

        That may be another process of ours.
        """
        return self.changed != before.changed or bool(self.loss(before))

    @property
    def is_small(self) -> bool:
        """Say whether all of it can be checked in some milliseconds."""
        return self.size <= SMALL

    def has_shrunk(self, before: Vitals) -> bool:
        """Say whether it is smaller, as it is when old entries are forgotten, too."""
        return self.size < before.size

    def loss(self, before: Vitals) -> str:
        """Return what no process of ours does to the log of a database in use; "" for nothing."""
        if before.log is not None and self.log != before.log:
            return "its -wal was deleted or replaced"
        if self.log_size < min(before.log_size, WAL_BYTES):
            return "its -wal was cut short"
        return ""


def shared_database(path: str | Path, schema: Sequence[str]) -> SharedDatabase:
    """Return this process's database of that path; the least recently used one is closed."""
    key = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    with _lock:
        database = _open.get(key)
        if database is None:
            if len(_open) >= MOST_OPEN:
                _open.popitem(last=False)[1].close()
            database = _open[key] = SharedDatabase(key, schema)
        _open.move_to_end(key)
        return database


def close_all() -> None:
    """Close every database of this process."""
    with _lock:
        _open.clear()
        for database in list(_alive):
            if database.is_of_this_process:
                database.close()


atexit.register(close_all)


class FallbackDatabase:
    """A shared database with memory in its place where the file cannot be used.

    Safe for use by several threads; several processes may have the same file. Nothing in
    it is worth a failure: without the file this process remembers by itself.
    """

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        self.path = path
        self._schema = schema
        self._file = SharedDatabase(path, schema)
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None

    def run(self, task: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `task` returns, all of whose changes are made or none.

        It may be called again when the file turns out to be damaged. Raises what `task` raises.
        """
        try:
            return self._file.use(lambda connection: _in_transaction(connection, task))
        except StateError as error:
            with self._lock:
                return _in_transaction(self._in_memory(error), task)

    def close(self) -> None:
        self._file.close()
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def _in_memory(self, error: StateError) -> sqlite3.Connection:
        if self._memory is None:
            log.warning(
                "%s; until that is corrected each process counts its own requests and forgets them"
                " when it ends",
                error,
            )
            self._memory = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False
            )
            finalize(self, self._memory.close)
            for script in self._schema:
                self._memory.executescript(script)
        return self._memory


def _in_transaction(connection: sqlite3.Connection, task: Callable[[sqlite3.Connection], T]) -> T:
    with transaction(connection):
        return task(connection)
