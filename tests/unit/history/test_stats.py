"""Counting by monitor and local day."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import pytest

from zmhook.history.schema import Entry
from zmhook.history.stats import by_day, percentile

MIDNIGHT = 1_773_961_200.0  # 2026-03-20 00:00 in Berlin
HOUR = 3600


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def entry(event_id: int, at: float = MIDNIGHT, **fields) -> Entry:
    fields = {
        "number": 1, "monitor_id": 5, "outcome": "nothing", "line": "", "frame": "snapshot",
        "kept": 0, "drops": {}, "error": "", "total": 100.0, **fields,
    }  # fmt: skip
    return Entry(event_id=event_id, at=at, **fields)


def test_counts_of_a_day() -> None:
    [day] = by_day(
        [
            entry(1, outcome="alarm", drops={"static": 2}),
            entry(2, outcome="undecided"),
            entry(3, drops={"zone": 5, "static": 1}),
        ]
    )
    assert (day.monitor_id, day.day) == (5, date(2026, 3, 20))
    assert (day.events, day.alarms, day.nothing, day.undecided) == (3, 1, 1, 1)
    assert day.decisions == 3
    assert list(day.dropped.items()) == [("zone", 5), ("static", 3)], "most first"


def test_an_event_looked_at_again_is_one_event() -> None:
    """It counts as its last decision, whatever came before; each decision took its time."""
    [day] = by_day(
        [
            entry(1, outcome="alarm", total=10.0, drops={"zone": 1}),
            entry(1, outcome="undecided", total=30.0, drops={"zone": 7}, last=False),
            entry(1, outcome="nothing", total=20.0, last=False),
        ]
    )
    assert (day.events, day.alarms, day.nothing, day.undecided) == (1, 1, 0, 0)
    assert (day.decisions, day.p50, day.p95) == (3, 20.0, 30.0)
    assert day.dropped == {"zone": 1}


def test_an_event_belongs_to_the_day_of_its_last_decision() -> None:
    new, old = by_day([entry(1, MIDNIGHT), entry(1, MIDNIGHT - 1, last=False)])
    assert (new.events, new.decisions) == (1, 1)
    assert (old.events, old.decisions) == (0, 1)


def test_days_are_local_and_the_newest_first() -> None:
    days = by_day([entry(1, MIDNIGHT - 1), entry(2, MIDNIGHT), entry(3, MIDNIGHT + 23 * HOUR)])
    assert [(one.day.isoformat(), one.events) for one in days] == [
        ("2026-03-20", 2), ("2026-03-19", 1),
    ]  # fmt: skip


def test_monitors_are_apart_those_without_a_number_last() -> None:
    days = by_day([entry(1, monitor_id=None), entry(2, monitor_id=7), entry(3, monitor_id=2)])
    assert [one.monitor_id for one in days] == [2, 7, None]


def test_times() -> None:
    [day] = by_day([entry(n, total=float(n)) for n in range(100, 0, -1)])
    assert (day.p50, day.p95) == (50.0, 95.0)


@pytest.mark.parametrize(
    ("values", "percent", "value"),
    [([1.0], 50, 1.0), ([1.0], 95, 1.0), ([1.0, 2.0], 50, 1.0), ([1.0, 2.0], 95, 2.0),
     ([1.0, 2.0, 3.0], 50, 2.0)],
)  # fmt: skip
def test_percentile(values: list[float], percent: int, value: float) -> None:
    assert percentile(values, percent) == value


def test_nothing_is_no_day() -> None:
    assert by_day([]) == []
