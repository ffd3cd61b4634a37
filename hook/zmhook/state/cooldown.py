"""When which label last rang on which monitor, so that it does not ring again at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.sqlite import transaction
from zmhook.state.kept import Kept, kept

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
)


class Cooldown:
    """The last rings of all monitors. Many processes may use the file at once.

    Labels are the same in capitals and in small letters. Times are seconds since the epoch. A
    clock that is set back by more than a minute ends a cool-down: it never makes one longer.
    """

    def __init__(self, database: Kept) -> None:
        self._database = database

    @classmethod
    def open(cls, settings: Settings) -> Cooldown:
        """Return the one of `state_path`; the file is opened at the first use."""
        return cls(kept(Path(settings.gate.state_path, FILE), SCHEMA))

    def left(self, monitor_id: int, label: str, now: float, seconds: float) -> float:
        """Return for how long of `seconds` the label stays quiet, 0 for not at all.

        Raises `StateError`.
        """
        at = self._database.use(lambda connection: _last(connection, monitor_id, label))
        if at is None or at - now > AHEAD:
            return 0.0
        return min(max(0.0, at + seconds - now), seconds)

    def rung(self, monitor_id: int, labels: Iterable[str], now: float) -> None:
        """Remember that these labels have rung. Raises `StateError`."""
        rings = [(monitor_id, label.lower(), now) for label in dict.fromkeys(labels)]
        self._database.use(lambda connection: _put(connection, rings, now))


def _last(connection: sqlite3.Connection, monitor_id: int, label: str) -> float | None:
    row = connection.execute(
        "SELECT at FROM rings WHERE monitor_id = ? AND label = ?", [monitor_id, label.lower()]
    ).fetchone()
    return row[0] if row else None


def _put(connection: sqlite3.Connection, rings: list[tuple[int, str, float]], now: float) -> None:
    with transaction(connection):
        connection.executemany("INSERT OR REPLACE INTO rings VALUES (?, ?, ?)", rings)
        connection.execute(
            "DELETE FROM rings WHERE at NOT BETWEEN ? AND ?", [now - LONGEST, now + AHEAD]
        )
