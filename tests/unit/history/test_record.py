"""Each event's decision is recorded, whole; what goes wrong is told once and stops nothing."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from zmhook.detection import Box, Decision, Detection
from zmhook.errors import StateError
from zmhook.history import provenance
from zmhook.history import record as module
from zmhook.history.read import DecisionFilter, History
from zmhook.history.record import (
    EVERY,
    MOST_WARNINGS,
    HistoryLimits,
    _warn,
    _warned,
    put,
    record,
    tidy,
    used_bytes,
)
from zmhook.history.schema import SCHEMA
from zmhook.settings import History as HistorySettings
from zmhook.settings import Settings
from zmhook.storage.corruption import damage_count
from zmhook.storage.sqlite import open_database, transaction

Make = Callable[..., Decision]
Configured = Callable[..., Settings]


def test_a_decision_comes_back_whole(configured: Configured, decision: Make, path: Path) -> None:
    settings = configured()
    made = decision(7, errors=["the portal was slow"], skipped=["gemini skipped: no network"])
    record(made, settings)
    [found] = History(path).of_event(7)
    assert found.decision == made
    assert found.line == "[s] detected:person:71% (gemini skipped: no network)"
    assert found.version == "1.2.3"
    assert found.settings == provenance.fingerprint(settings)
    assert found.models == []


def test_the_list_has_it_in_short(configured: Configured, decision: Make, path: Path) -> None:
    dropped = (("car", "static"), ("bus", "static"), ("dog", "zone"))
    record(decision(7, dropped=dropped, errors=["x" * 600, "y"]), configured())
    [entry] = History(path).decisions(DecisionFilter())
    assert (entry.at, entry.event_id, entry.monitor_id) == (1_000_000.0, 7, 5)
    assert (entry.outcome, entry.frame, entry.kept, entry.total) == ("alarm", "snapshot", 1, 100.0)
    assert entry.line == "[s] detected:person:71%"
    assert entry.drops == {"static": 2, "zone": 1}
    assert entry.error == "x" * 500


def test_an_undecided_event_is_recorded(configured: Configured, path: Path) -> None:
    from zmhook.event import Event

    record(Decision.undecided(Event(id=3, monitor_id=1), "no picture"), configured())
    [entry] = History(path).decisions(DecisionFilter())
    assert (entry.outcome, entry.line, entry.error, entry.total) == (
        "undecided", "", "no picture", 0.0,
    )  # fmt: skip


def test_an_event_looked_at_twice_is_there_twice(
    configured: Configured, decision: Make, path: Path
) -> None:
    for kept in (("person",), ()):
        record(decision(7, kept=kept), configured())
    outcomes = [one.decision.outcome for one in History(path).of_event(7)]
    assert outcomes == ["alarm", "nothing"]


def test_a_picture_without_an_event_is_not_recorded(
    configured: Configured, decision: Make, path: Path
) -> None:
    record(decision(None), configured())
    assert not path.exists()


def test_nothing_is_recorded_when_that_is_off(
    configured: Configured, decision: Make, path: Path
) -> None:
    record(decision(7), configured(record_history=False))
    assert not path.exists()


def test_what_decisions_have_in_common_is_stored_once(
    configured: Configured, decision: Make, path: Path
) -> None:
    from zmhook.history.schema import SCHEMA
    from zmhook.storage.sqlite import use

    for event in range(3):
        record(decision(event), configured())
    record(decision(9), configured(history_max_age=1.0))
    assert use(path, SCHEMA, lambda one: one.execute("SELECT count(*) FROM makers").fetchone()) == (
        2,
    )


def test_many_detections_take_little_room(
    configured: Configured, decision: Make, path: Path
) -> None:
    from zmhook.history.schema import SCHEMA
    from zmhook.storage.sqlite import use

    made = decision(7, dropped=tuple((f"thing {n}", "zone") for n in range(500)))
    record(made, configured())
    [stored] = use(path, SCHEMA, lambda one: one.execute("SELECT data FROM reports").fetchone())
    assert len(stored) < len(made.to_json()) / 5
    assert History(path).of_event(7)[0].decision == made


def test_a_description_is_no_label(configured: Configured, decision: Make, path: Path) -> None:
    said = Detection(
        label="A person at the door", confidence=1, box=Box(0, 0, 9, 9), model="gemini",
        kind="description",
    )  # fmt: skip
    made = decision(7, kept=("Person",))
    made.detections.append(said)
    record(made, configured())
    assert len(History(path).decisions(DecisionFilter(label="person"))) == 1
    assert History(path).decisions(DecisionFilter(label="a person at the door")) == []


def test_a_damaged_file_is_set_aside_and_work_goes_on(
    configured: Configured, decision: Make, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"nonsense" * 1000)
    record(decision(7), configured())
    assert len(History(path).of_event(7)) == 1
    assert f"{path}: it is damaged" in caplog.text


def test_a_place_that_cannot_be_used_is_told_once(
    configured: Configured, decision: Make, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("a file in the folder's place")
    with caplog.at_level(logging.WARNING):
        for event in (7, 8):
            record(decision(event), configured())
    [message] = caplog.messages
    assert message.startswith(f"event 7 of monitor 5 is missing in the history: {path}: ")


def test_a_mistake_of_ours_ends_no_report(
    configured: Configured,
    decision: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: object) -> str:
        raise RuntimeError("what nobody thought of")

    monkeypatch.setattr(provenance, "fingerprint", broken)
    record(decision(7), configured())
    assert "what nobody thought of" in caplog.text


def test_warnings_are_remembered_within_bounds(configured: Configured) -> None:
    configured()
    for number in range(MOST_WARNINGS + 10):
        _warn("what", f"why {number}")
    assert len(_warned) == MOST_WARNINGS


def test_old_decisions_are_looked_for_now_and_then(
    configured: Configured, decision: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr(module, "tidy", lambda _, limits: calls.append(limits))
    settings = configured(history_max_age=2.0, history_max_size=3.0)
    for event in range(EVERY + 1):
        record(decision(event), settings)
    assert len(calls) == 1
    assert calls[0].size == 3e6


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE decisions; DROP TABLE makers",
        "CREATE TRIGGER x BEFORE INSERT ON decisions BEGIN SELECT raise(ignore); END",
        "CREATE TRIGGER x BEFORE INSERT ON makers BEGIN SELECT raise(ignore); END",
        "ALTER TABLE decisions RENAME COLUMN line TO row",
    ],
)
def test_tables_that_somebody_spoils_cost_no_event(
    configured: Configured, decision: Make, path: Path, script: str, caplog
) -> None:
    settings = configured()
    record(decision(1), settings)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    with pytest.raises(StateError, match=r"it is damaged .*the next event sets it aside"):
        History(path).decisions(DecisionFilter())
    with caplog.at_level(logging.WARNING):
        record(decision(2), settings)
    assert [entry.event_id for entry in History(path).decisions(DecisionFilter())] == [2]
    assert damage_count(path).count == 1
    [message] = caplog.messages
    assert "set aside" in message


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
    monkeypatch.setattr(module, "STEP", 30)
    limits = HistoryLimits(100 * DAY, 0.0)
    assert [tidy(filled, limits, -1.0) for _ in range(5)] == [30, 30, 30, 10, 0]
    assert oldest(filled) == 100


def test_limits_are_those_of_the_settings() -> None:
    limits = HistoryLimits.of(
        HistorySettings(history_max_age=2.0, history_max_size=3.0), now=10.0 * DAY
    )
    assert limits == (8 * DAY, 3e6)
    assert HistoryLimits.of(
        HistorySettings(history_max_age=0.0, history_max_size=0.0), now=1e9
    ) == (
        0.0,
        0.0,
    )
