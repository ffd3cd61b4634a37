"""Cache descriptions by picture, question and model: no picture is asked about twice.

A camera that sends a picture again, and two frames of an event that are the same file, cost one
question.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, json

from zmhook.describe.description import Description
from zmhook.storage.quota import TABLES
from zmhook.storage.shared_database import FallbackDatabase
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

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
    TABLES,
    """
    INSERT INTO requests (account, at) SELECT '', at FROM asked;
    INSERT INTO holds SELECT service, until, short, why FROM held;
    DROP TABLE asked;
    DROP TABLE held;
    """,
)
MOST = 2000
"""Answers that are kept; the oldest go first."""
LONGEST = 30 * 86_400.0
"""Seconds that an answer is kept."""


class CachedAnswer(Struct, frozen=True):
    """What came of a question: a description, or why there is none and never will be."""

    description: Description | None = None
    short: str = ""
    message: str = ""


class Cache:
    """The answers in the database."""

    def __init__(
        self, database: FallbackDatabase, clock: Callable[[], float] = time.time, most: int = MOST
    ) -> None:
        self._database = database
        self._clock = clock
        self._most = most

    def get(self, key: str) -> CachedAnswer | None:
        now = self._clock()

        def select(database: sqlite3.Connection) -> bytes | None:
            row = database.execute(
                "SELECT answer FROM answers WHERE key = ? AND at > ?", (key, now - LONGEST)
            ).fetchone()
            return row[0] if row else None

        return _read(self._database.run(select))

    def put(self, key: str, answer: CachedAnswer) -> None:
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


def _read(data: bytes | None) -> CachedAnswer | None:
    """Return an answer; one that another version wrote in another form is none."""
    if data is None:
        return None
    try:
        return decoded(data, CachedAnswer)
    except Unreadable:
        return None


def database_below(base_data_path: str) -> FallbackDatabase:
    """Return the database of a data folder: requests, holds and descriptions."""
    return FallbackDatabase(Path(base_data_path, "cache", FILE), SCHEMA)
