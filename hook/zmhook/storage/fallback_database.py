"""A SQLite file that processes share, with memory in its place where it cannot be used."""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import TYPE_CHECKING, TypeVar

from zmhook.errors import StateError
from zmhook.storage.shared_database import SharedDatabase
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

log = logging.getLogger(__name__)


class FallbackDatabase:
    """Safe for use by several threads; several processes may have the same file.

    Nothing in it is worth a failure: without the file this process remembers by itself.
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
            for script in self._schema:
                self._memory.executescript(script)
        return self._memory


def _in_transaction(connection: sqlite3.Connection, task: Callable[[sqlite3.Connection], T]) -> T:
    with transaction(connection):
        return task(connection)
