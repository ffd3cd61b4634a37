"""The SQLite file that all our processes share: what was asked when, and what was answered.

Nothing in it is worth an alarm: where it cannot be used, this process remembers by itself.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zmhook.errors import StateError
from zmhook.storage.shared_database import SharedDatabase
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

log = logging.getLogger(__name__)

FILE = "gemini.sqlite"

SCHEMA = (
    """
    CREATE TABLE asked (number INTEGER PRIMARY KEY, at REAL NOT NULL);
    CREATE INDEX asked_at ON asked (at);
    CREATE TABLE held (
        service TEXT PRIMARY KEY, until REAL NOT NULL, short TEXT NOT NULL, why TEXT NOT NULL
    );
    CREATE TABLE answers (key TEXT PRIMARY KEY, at REAL NOT NULL, answer BLOB NOT NULL);
    CREATE INDEX answers_at ON answers (at);
    """,
)


class Database:
    """Safe for use by several threads; several processes may have the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = SharedDatabase(path, SCHEMA)
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None

    @classmethod
    def below(cls, base_data_path: str) -> Database:
        """Return the one of a data folder."""
        return cls(Path(base_data_path, "cache", FILE))

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returns, all of whose changes are made or none.

        It may be called again when the file turns out to be damaged. Raises what `work` raises.
        """
        try:
            return self._file.use(lambda connection: _in_one(connection, work))
        except StateError as error:
            with self._lock:
                return _in_one(self._in_memory(error), work)

    def close(self) -> None:
        self._file.close()
        with self._lock:
            if self._memory is not None:
                self._memory.close()
                self._memory = None

    def _in_memory(self, error: StateError) -> sqlite3.Connection:
        if self._memory is None:
            log.warning(
                "%s; until that is mended each process counts its own questions and forgets them "
                "when it ends",
                error,
            )
            self._memory = sqlite3.connect(
                ":memory:", isolation_level=None, check_same_thread=False
            )
            for script in SCHEMA:
                self._memory.executescript(script)
        return self._memory


def _in_one(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    with transaction(connection):
        return work(connection)
