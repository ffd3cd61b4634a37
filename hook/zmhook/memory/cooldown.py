"""When a label last had an alarm on a monitor, so that there is no other one at once."""

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
"""Seconds that an alarm may lie in the future: another process's event, or a clock set right."""

# The table is called rings for the alarms in it: files of earlier versions have it.
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
    """The last alarms of all monitors. Many processes may use the file at once.

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

        Alarms of that event itself do not count. Raises `StateError`.
        """
        alarm = _Alarm(monitor_id, label.lower(), now, event_id)
        return self._database.use(lambda connection: _left(connection, alarm, seconds))

    def record(
        self,
        monitor_id: int,
        labels: Iterable[str],
        now: float,
        seconds: float,
        event_id: int | None = None,
    ) -> dict[str, float]:
        """Store the alarms of these labels, except those that another event stored meanwhile.

        Return for these, as they were given, for how long they stay quiet. It is one transaction:
        of two events at the same moment one has the alarm. Raises `StateError`.
        """
        alarms = {label: _Alarm(monitor_id, label.lower(), now, event_id) for label in labels}

        def put(connection: sqlite3.Connection) -> dict[str, float]:
            with transaction(connection):
                lefts = {label: _left(connection, each, seconds) for label, each in alarms.items()}
                _put(connection, [each for label, each in alarms.items() if not lefts[label]], now)
            return {label: left for label, left in lefts.items() if left}

        return self._database.use(put)


class _Alarm(NamedTuple):
    """A row of the table."""

    monitor_id: int
    label: str
    at: float
    event_id: int | None


def _left(connection: sqlite3.Connection, alarm: _Alarm, seconds: float) -> float:
    row = connection.execute(
        "SELECT at, event_id FROM rings WHERE monitor_id = ? AND label = ?",
        [alarm.monitor_id, alarm.label],
    ).fetchone()
    if row is None:
        return 0.0
    at: float = row[0]
    is_own = alarm.event_id is not None and row[1] == alarm.event_id
    if is_own or at - alarm.at > AHEAD:
        return 0.0
    return min(max(0.0, at + seconds - alarm.at), seconds)


def _put(connection: sqlite3.Connection, alarms: Iterable[_Alarm], now: float) -> None:
    connection.executemany("INSERT OR REPLACE INTO rings VALUES (?, ?, ?, ?)", alarms)
    connection.execute(
        "DELETE FROM rings WHERE at NOT BETWEEN ? AND ?", [now - LONGEST, now + AHEAD]
    )
