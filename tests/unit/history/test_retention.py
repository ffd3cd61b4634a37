"""What is too old goes, then the oldest of what is too much: some at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.detection import Decision
from zmhook.history import retention
from zmhook.history.record import put
from zmhook.history.retention import HistoryLimits, tidy, used_bytes
from zmhook.history.schema import SCHEMA
from zmhook.settings import History
from zmhook.storage.sqlite import open_database, transaction

DAY = 86400
LONG = 60.0


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(path, SCHEMA)
    yield connection
    connection.close()


@pytest.fixture
def filled(connection: sqlite3.Connection, decision: Callable[..., Decision]) -> sqlite3.Connection:
    """500 decisions, one a day; each has its own settings."""
    with transaction(connection):
        for day in range(500):
            one = decision(day, asked=float(day * DAY), errors=["why " * 50])
            put(connection, one, "a line", ("1", f"settings {day}", "[]"))
    return connection


def count(connection: sqlite3.Connection, table: str = "decisions") -> int:
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def oldest(connection: sqlite3.Connection) -> int:
    return connection.execute("SELECT min(event_id) FROM decisions").fetchone()[0]


def test_nothing_goes_without_a_limit(filled: sqlite3.Connection) -> None:
    assert tidy(filled, HistoryLimits(0.0, 0.0), LONG) == 0
    assert count(filled) == 500


def test_by_age(filled: sqlite3.Connection) -> None:
    assert tidy(filled, HistoryLimits(400 * DAY, 0.0), LONG) == 400
    assert (count(filled), oldest(filled)) == (100, 400)
    assert tidy(filled, HistoryLimits(400 * DAY, 0.0), LONG) == 0


def test_everything_about_them_goes(filled: sqlite3.Connection) -> None:
    tidy(filled, HistoryLimits(499 * DAY, 0.0), LONG)
    assert [count(filled, table) for table in ("decisions", "reports", "makers")] == [1, 1, 1]
    assert count(filled, "labels") == 2


def test_by_size(filled: sqlite3.Connection) -> None:
    limit = used_bytes(filled) / 2
    tidy(filled, HistoryLimits(0.0, limit), LONG)
    assert used_bytes(filled) <= limit
    assert 0 < count(filled) < 400
    assert oldest(filled) == 500 - count(filled), "the oldest went"


def test_the_newest_stays_however_small_the_limit_is(filled: sqlite3.Connection) -> None:
    tidy(filled, HistoryLimits(0.0, 1.0), LONG)
    assert (count(filled), oldest(filled)) == (1, 499)
    assert tidy(filled, HistoryLimits(0.0, 1.0), LONG) == 0


def test_the_file_becomes_smaller(filled: sqlite3.Connection, path: Path) -> None:
    filled.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = path.stat().st_size
    tidy(filled, HistoryLimits(450 * DAY, 0.0), LONG)
    filled.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert path.stat().st_size < before / 2


def test_when_the_time_is_over_the_rest_stays_for_the_next_time(
    filled: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STEP", 30)
    limits = HistoryLimits(100 * DAY, 0.0)
    assert [tidy(filled, limits, -1.0) for _ in range(5)] == [30, 30, 30, 10, 0]
    assert oldest(filled) == 100


def test_limits_are_those_of_the_settings() -> None:
    limits = HistoryLimits.of(History(history_max_age=2.0, history_max_size=3.0), now=10.0 * DAY)
    assert limits == (8 * DAY, 3e6)
    assert HistoryLimits.of(History(history_max_age=0.0, history_max_size=0.0), now=1e9) == (
        0.0,
        0.0,
    )
