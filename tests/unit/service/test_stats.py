"""Counts and percentiles."""

from __future__ import annotations

import random

import pytest

from zmhook.detection import Decision
from zmhook.event import Event
from zmhook.service.stats import KEPT_TIMES, Stats


def decision(outcome: str = "alarm", monitor: int | None = 1, **more: object) -> Decision:
    return Decision(event=Event(id=1, monitor_id=monitor), outcome=outcome, **more)


@pytest.fixture
def stats() -> Stats:
    return Stats()


def test_outcomes_are_counted(stats: Stats) -> None:
    for outcome in ("alarm", "nothing", "alarm", "undecided"):
        stats.decided(decision(outcome), 0.1)

    assert stats.outcomes == {"alarm": 2, "nothing": 1, "undecided": 1}


def test_percentiles_in_milliseconds(stats: Stats) -> None:
    times = list(range(1, 102))
    random.Random(1).shuffle(times)
    for milliseconds in times:
        stats.decided(decision(timings={"yolo": milliseconds / 10}), milliseconds / 1000)

    stages = stats.stages()

    assert stages["whole"] == {"events": 101, "p50": 51, "p95": 96}
    assert stages["yolo"]["p50"] == 5.1


def test_one_event_is_every_percentile(stats: Stats) -> None:
    stats.decided(decision(), 0.25)

    assert stats.stages() == {"whole": {"events": 1, "p50": 250, "p95": 250}}


def test_only_the_last_events_count_for_the_percentiles(stats: Stats) -> None:
    for _ in range(10):
        stats.decided(decision(), 99)
    for _ in range(KEPT_TIMES):
        stats.decided(decision(), 0.001)

    assert stats.stages()["whole"] == {"events": KEPT_TIMES, "p50": 1, "p95": 1}
    assert stats.outcomes["alarm"] == KEPT_TIMES + 10


def test_the_last_error_of_each_monitor(stats: Stats) -> None:
    stats.decided(decision("undecided", 1, errors=["first", "more"]), 1)
    stats.decided(decision("undecided", 1, errors=["second"]), 1)
    stats.decided(decision("alarm", 2), 1)
    stats.decided(decision("undecided", None, errors=["nobody's"]), 1)

    assert {monitor: one["error"] for monitor, one in stats.last_errors.items()} == {
        "1": "second",
        "None": "nobody's",
    }
