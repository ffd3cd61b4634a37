"""Each subject is logged once an hour."""

from __future__ import annotations

from zmhook.snapshots.hourly import HOUR, MOST_LINES, HourlyLog


def test_each_subject_once_an_hour() -> None:
    now = [0.0]
    hourly = HourlyLog(lambda: now[0])
    assert hourly.is_due(("a", "JSON"))
    assert not hourly.is_due(("a", "JSON"))
    assert hourly.is_due(("a", "shape"))
    assert hourly.is_due(("b", "JSON"))
    now[0] = HOUR - 1
    assert not hourly.is_due(("a", "JSON"))
    now[0] = HOUR
    assert hourly.is_due(("a", "JSON"))


def test_strangers_do_not_fill_the_log() -> None:
    now = [0.0]
    hourly = HourlyLog(lambda: now[0])
    assert sum(hourly.is_due(number) for number in range(10_000)) == MOST_LINES
    for hour in range(20):
        now[0] = HOUR * (hour + 1)
        assert sum(hourly.is_due((hour, number)) for number in range(1000)) == MOST_LINES
