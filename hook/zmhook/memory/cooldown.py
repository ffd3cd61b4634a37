"""When which label last rang on which monitor, so that it does not ring again at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.storage.shared_database import SharedDatabase, shared_database
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from zmhook.settings import Settings

FILE = "cooldown.sqlite"
LONGEST = 86400.0
"""Seconds; no cool-down lasts longer, so nothing older is kept."""
AHEAD = 60.0
"""Seconds that a ring may lie in the future: another process's event, or a clock set right."""

SCHEMA = (
    """
    CREATE TABLE rings (
        monitor_id INTEGER NOT NULL, label TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (monitor_id, label)
    ) WITHOUT ROWID;
    CREATE INDEX rings_at ON rings (at);
    """,
    "ALTER TABLE rings ADD COLUMN event_id INTEGER;",
)


class Cooldown:
    """The last rings of all monitors. Many processes may use the file at once.

    Labels are the same in capitals and in small letters. Times are seconds since the epoch. A
    clock that is set back by more than a minute ends a cool-down: it never makes one longer.
    """

    def __init__(self, database: SharedDatabase) -> None:
        self._database = database

    @classmethod
    def open(cls, settings: Settings) -> Cooldown:
        """Return the one of `state_path`; the file is opened at the first use."""
        return cls(shared_database(Path(settings.gate.state_path, FILE), SCHEMA))

    def left(
        self, monitor_id: int, label: str, now: float, seconds: float, event_id: int | None = None
    ) -> float:
        """Return for how long of `seconds` the label stays quiet for an event, 0 for not at all.

        What that event rang itself does not count. Raises `StateError`.
        """
        ring = _Ring(monitor_id, label.lower(), now, event_id)
        return self._database.use(lambda connection: _left(connection, ring, seconds))

    def ring(
        self,
        monitor_id: int,
        labels: Iterable[str],
        now: float,
        seconds: float,
        event_id: int | None = None,
    ) -> dict[str, float]:
        """Remember that these labels ring, but for those that another event rings by now.

        Return for these, as they were given, for how long they stay quiet. It is one transaction:
        of two events at the same moment one rings. Raises `StateError`.
        """
        rings = {label: _Ring(monitor_id, label.lower(), now, event_id) for label in labels}

        def put(connection: sqlite3.Connection) -> dict[str, float]:
            with transaction(connection):
                lefts = {label: _left(connection, ring, seconds) for label, ring in rings.items()}
                _put(connection, [ring for label, ring in rings.items() if not lefts[label]], now)
            return {label: left for label, left in lefts.items() if left}

        return self._database.use(put)


class _Ring(NamedTuple):
    """A row of the table."""

    monitor_id: int
    label: str
    at: float
    event_id: int | None


def _left(connection: sqlite3.Connection, ring: _Ring, seconds: float) -> float:
    row = connection.execute(
        "SELECT at, event_id FROM rings WHERE monitor_id = ? AND label = ?",
        [ring.monitor_id, ring.label],
    ).fetchone()
    if row is None:
        return 0.0
    at: float = row[0]
    is_own = ring.event_id is not None and row[1] == ring.event_id
    if is_own or at - ring.at > AHEAD:
        return 0.0
    return min(max(0.0, at + seconds - ring.at), seconds)


def _put(connection: sqlite3.Connection, rings: Iterable[_Ring], now: float) -> None:
    connection.executemany("INSERT OR REPLACE INTO rings VALUES (?, ?, ?, ?)", rings)
    connection.execute(
        "DELETE FROM rings WHERE at NOT BETWEEN ? AND ?", [now - LONGEST, now + AHEAD]
    )
