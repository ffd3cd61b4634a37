"""Finding decisions again: by monitor, time, outcome and label, and by event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.detection import Decision
from zmhook.errors import NoState, StateError
from zmhook.history.read import DecisionFilter, History, by_day, percentile
from zmhook.history.record import record
from zmhook.history.schema import SCHEMA, HistoryEntry
from zmhook.settings import Settings
from zmhook.storage.sqlite import use


@pytest.fixture
def history(
    configured: Callable[..., Settings], decision: Callable[..., Decision], path: Path
) -> History:
    """Five events: 1 to 5, at 10, 20, … seconds."""
    settings = configured()
    made = [
        decision(1, monitor_id=1, kept=("person",), dropped=()),
        decision(2, monitor_id=2, kept=("Car", "person"), dropped=(("dog", "zone"),)),
        decision(3, monitor_id=1, kept=(), dropped=(("car", "static"), ("car", "static"))),
        decision(4, monitor_id=2, kept=(), dropped=(), outcome="undecided"),
        decision(5, monitor_id=None, kept=("person",), dropped=()),
    ]
    for place, one in enumerate(made, 1):
        event = structs.replace(one.event, asked=place * 10.0)
        record(structs.replace(one, event=event), settings)
    return History(path)


@pytest.mark.parametrize(
    ("wanted", "events"),
    [
        (DecisionFilter(), [5, 4, 3, 2, 1]),
        (DecisionFilter(limit=2), [5, 4]),
        (DecisionFilter(monitor_id=1), [3, 1]),
        (DecisionFilter(since=20.0, until=40.0), [4, 3, 2]),
        (DecisionFilter(outcome="undecided"), [4]),
        (DecisionFilter(outcome="alarm"), [5, 2, 1]),
        (DecisionFilter(label="CAR"), [3, 2]),
        (DecisionFilter(label="dog"), [2]),
        (DecisionFilter(label="cat"), []),
        (DecisionFilter(label="car", limit=1), [3]),
        (DecisionFilter(label="person", until=20.0), [2, 1]),
        (DecisionFilter(label="person", monitor_id=2, outcome="alarm"), [2]),
        (DecisionFilter(label="' OR 1=1 --"), []),
    ],
)
def test_what_fits_everything_newest_first(
    history: History, wanted: DecisionFilter, events: list[int]
) -> None:
    assert [one.event_id for one in history.decisions(wanted)] == events


def test_of_one_event(history: History) -> None:
    [found] = history.of_event(3)
    assert [drop.reason for drop in found.decision.dropped] == ["static, in figures"] * 2
    assert history.of_event(99) == []


def test_by_day(history: History) -> None:
    days = history.days(DecisionFilter(monitor_id=2))
    assert [(one.events, one.alarms, one.undecided) for one in days] == [(2, 1, 1)]
    assert days[0].dropped == {"zone": 1}


@pytest.fixture
def twice(configured: Callable[..., Settings], decision: Callable[..., Decision], path: Path):
    """Event 1: undecided, then an alarm; event 2: an alarm, then nothing, then undecided."""
    settings = configured()
    made = [
        decision(1, kept=(), dropped=(("cat", "zone"),), outcome="undecided"),
        decision(2, kept=("car",), dropped=()),
        decision(1, kept=("person",), dropped=(("cat", "size"),)),
        decision(2, kept=(), dropped=(("car", "static"),)),
        decision(2, kept=(), dropped=(), outcome="undecided"),
    ]
    for place, one in enumerate(made, 1):
        event = structs.replace(one.event, asked=place * 10.0)
        record(structs.replace(one, event=event), settings)
    return History(path)


def test_which_decision_is_an_events_last(twice: History) -> None:
    found = [(one.event_id, one.outcome, one.last) for one in twice.decisions(DecisionFilter())]
    assert found == [
        (2, "undecided", True),
        (2, "nothing", False),
        (1, "alarm", True),
        (2, "alarm", False),
        (1, "undecided", False),
    ]


@pytest.mark.parametrize(
    ("wanted", "events", "decisions"),
    [
        (DecisionFilter(), (2, 1, 0, 1), 5),
        (DecisionFilter(until=45.0), (2, 1, 1, 0), 4),
        (DecisionFilter(until=25.0), (2, 1, 0, 1), 2),
        (DecisionFilter(since=25.0), (2, 1, 0, 1), 3),
        (DecisionFilter(outcome="undecided"), (1, 0, 0, 1), 2),
        (DecisionFilter(outcome="alarm"), (1, 1, 0, 0), 2),
        (DecisionFilter(label="cat"), (1, 1, 0, 0), 2),
        (DecisionFilter(label="car"), (0, 0, 0, 0), 2),
    ],
)
def test_an_event_counts_once_as_its_last_decision(
    twice: History, wanted: DecisionFilter, events: tuple[int, ...], decisions: int
) -> None:
    [day] = twice.days(wanted)
    assert (day.events, day.alarms, day.nothing, day.undecided) == events
    assert day.decisions == decisions == len(twice.decisions(wanted))
    assert day.events == day.alarms + day.nothing + day.undecided


def test_the_last_one_is_the_last_that_was_recorded(twice: History, configured, decision) -> None:
    """An event that waited for long was asked about before; a clock may have been set back."""
    record(decision(1, kept=(), dropped=(), asked=5.0), configured())
    assert {one.event_id: one.outcome for one in twice.decisions(DecisionFilter()) if one.last} == {
        1: "nothing",
        2: "undecided",
    }


def test_before_anything_is_recorded(path: Path) -> None:
    for ask in (
        lambda: History(path).decisions(DecisionFilter()),
        lambda: History(path).of_event(1),
    ):
        with pytest.raises(NoState, match="nothing is recorded there yet"):
            ask()


def test_a_record_that_cannot_be_read_is_named(history: History) -> None:
    use(history.path, SCHEMA, lambda one: one.execute("UPDATE reports SET data = x'7801ff'"))
    with pytest.raises(StateError, match=r"history\.sqlite: decision 3 cannot be read"):
        history.of_event(3)
    use(history.path, SCHEMA, lambda one: one.execute("UPDATE reports SET data = x'7b7d'"))
    with pytest.raises(StateError, match="decision 3 cannot be read"):
        history.of_event(3)


MIDNIGHT = 1_773_961_200.0  # 2026-03-20 00:00 in Berlin
HOUR = 3600


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def entry(event_id: int, at: float = MIDNIGHT, **fields) -> HistoryEntry:
    fields = {
        "number": 1, "monitor_id": 5, "outcome": "nothing", "line": "", "frame": "snapshot",
        "kept": 0, "drops": {}, "error": "", "total": 100.0, **fields,
    }  # fmt: skip
    return HistoryEntry(event_id=event_id, at=at, **fields)


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


def test_a_monitor_keeps_its_name_when_a_later_caller_gives_none(
    configured: Callable[..., Settings], decision: Callable[..., Decision], path: Path
) -> None:
    named, nameless = decision(1, monitor_id=1), decision(2, monitor_id=1)
    event = structs.replace(named.event, monitor_name="Front door", asked=10.0)
    record(structs.replace(named, event=event), configured())
    event = structs.replace(nameless.event, monitor_name="", asked=20.0)
    record(structs.replace(nameless, event=event), configured())
    assert History(path).monitor_names() == {1: "Front door"}
