"""A database that stays open from one use to the next, as a worker has it open for days."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zmhook.errors import StateError
from zmhook.storage import sqlite
from zmhook.storage.corruption import Damaged, File, gone, identity, noticed, set_aside, tally
from zmhook.storage.schema_check import suspected
from zmhook.storage.tampering import Vitals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

T = TypeVar("T")

MOST_OPEN = 8

log = logging.getLogger(__name__)

_open: OrderedDict[str, Kept] = OrderedDict()
_lock = threading.Lock()
_inherited: list[object] = []
"""Connections of the process that forked us: SQLite wants them neither used nor closed here."""


class Kept:
    """One database. Safe for use by several threads, and by many processes with one each."""

    def __init__(self, path: str | Path, schema: Sequence[str]) -> None:
        self.path = Path(path)
        self._schema = schema
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._file: File | None = None
        self._vitals: Vitals | None = None
        self._pid = os.getpid()

    def use(self, task: Callable[[sqlite3.Connection], T]) -> T:
        """Do `task`, which may be done once more when the file turns out to be damaged.

        Raises `StateError` as `sqlite.open_database` does.
        """
        with self._lock, sqlite.told(self.path):
            try:
                return self._attempt(task)
            except Damaged as damage:
                self._close()
                set_aside(self.path, damage)
            try:
                return self._attempt(task)
            except Damaged as damage:
                self._close()
                raise StateError(
                    f"{self.path}: a new file is damaged too ({damage.reason}): look at the disk"
                ) from None

    def close(self) -> None:
        """Close it; the next use opens it again."""
        with self._lock:
            self._close()

    def _attempt(self, task: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connected()
        with noticed(self._file), suspected(connection, self._schema):
            sqlite.sound(connection, self._schema)
            found = task(connection)
        self._vitals = Vitals.of(self.path)
        return found

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
        """Notice what befell the file since it was used last: SQLite itself looks at few pages.

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
        """Open the file that has the name now; what we hold is no longer it."""
        before, file = tally(self.path), self._file
        self._close()
        self._opened()
        if tally(self.path) == before:  # else it is told already: it was damaged
            gone(self.path, file, reason)

    def _probed(self, loss: str, *, thorough: bool) -> None:
        """Open the file once more, and look whether it is sound."""
        self._close()
        connection = self._opened()
        with noticed(self._file):
            sqlite.probe(connection, thorough=thorough or bool(loss))
        if loss:
            log.warning("%s: %s; what is left is sound, the last entries are lost", self.path, loss)

    def _close(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.close()
            self._connection = None


def kept(path: str | Path, schema: Sequence[str]) -> Kept:
    """Return this process's one of that path; the one not asked for the longest is closed."""
    key = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    with _lock:
        found = _open.get(key)
        if found is None:
            if len(_open) >= MOST_OPEN:
                _open.popitem(last=False)[1].close()
            found = _open[key] = Kept(key, schema)
        _open.move_to_end(key)
        return found


def close_all() -> None:
    """Close every database of this process."""
    with _lock:
        while _open:
            _open.popitem()[1].close()


atexit.register(close_all)
