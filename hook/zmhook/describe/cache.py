"""Answers that were given before, by picture, question and model: no picture is asked about twice.

A camera that sends a picture again, and two frames of an event that are the same file, cost one
question.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, json

from zmhook.describe.description import Description
from zmhook.errors import StateError
from zmhook.storage.shared_database import SharedDatabase
from zmhook.storage.sqlite import transaction
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 2000
"""Answers that are kept; the oldest go first."""
LONGEST = 30 * 86_400.0
"""Seconds that an answer is kept."""


class Answer(Struct, frozen=True):
    """What came of a question: a description, or why there is none and never will be."""

    description: Description | None = None
    short: str = ""
    message: str = ""


class Cache:
    """The answers in the database."""

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time, most: int = MOST
    ) -> None:
        self._database = database
        self._clock = clock
        self._most = most

    def get(self, key: str) -> Answer | None:
        now = self._clock()

        def look(database: sqlite3.Connection) -> bytes | None:
            row = database.execute(
                "SELECT answer FROM answers WHERE key = ? AND at > ?", (key, now - LONGEST)
            ).fetchone()
            return row[0] if row else None

        return _read(self._database.run(look))

    def put(self, key: str, answer: Answer) -> None:
        now, data = self._clock(), json.encode(answer)

        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, now, data))
            database.execute("DELETE FROM answers WHERE at <= ?", (now - LONGEST,))
            database.execute(
                "DELETE FROM answers WHERE key IN "
                "(SELECT key FROM answers ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (self._most,),
            )

        self._database.run(write)


def key_of(picture: bytes, question: str, service: str) -> str:
    """Return the key of a question about a picture, which is the JPEG as it is sent."""
    parts = (hashlib.sha256(picture).hexdigest(), question, service)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _read(data: bytes | None) -> Answer | None:
    """Return an answer; one that another version wrote in another form is none."""
    if data is None:
        return None
    try:
        return decoded(data, Answer)
    except Unreadable:
        return None


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
