"""Decisions counted by monitor and day."""

from __future__ import annotations

import time
from array import array
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zmhook.history.read import Entry


class Day(Struct, frozen=True, kw_only=True):
    """One local day of one monitor.

    An event that was looked at several times is one event. `dropped` counts detections by rule;
    `p50` and `p95` are the milliseconds that a decision took in all.
    """

    monitor_id: int | None
    day: date
    events: int
    alarms: int
    undecided: int
    dropped: dict[str, int]
    p50: float
    p95: float


def by_day(entries: Iterable[Entry]) -> list[Day]:
    """Return the days by monitor, each monitor's newest first."""
    counts: dict[tuple[int | None, date], _Count] = {}
    for entry in entries:
        day = date(*time.localtime(entry.at)[:3])
        counts.setdefault((entry.monitor_id, day), _Count()).add(entry)
    order = sorted(counts, key=lambda key: (key[0] is None, key[0] or 0, -key[1].toordinal()))
    return [counts[key].as_day(*key) for key in order]


class _Count:
    """One day of one monitor, while its decisions are read."""

    def __init__(self) -> None:
        self.events: dict[str, set[int]] = {"": set(), "alarm": set(), "undecided": set()}
        self.dropped: Counter[str] = Counter()
        self.totals = array("d")

    def add(self, entry: Entry) -> None:
        for outcome in ("", entry.outcome):
            self.events.get(outcome, set()).add(entry.event_id)
        self.dropped.update(entry.drops)
        self.totals.append(entry.total)

    def as_day(self, monitor_id: int | None, day: date) -> Day:
        ordered = sorted(self.totals)
        return Day(
            monitor_id=monitor_id,
            day=day,
            events=len(self.events[""]),
            alarms=len(self.events["alarm"]),
            undecided=len(self.events["undecided"]),
            dropped=dict(self.dropped.most_common()),
            p50=percentile(ordered, 50),
            p95=percentile(ordered, 95),
        )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent of all are not above (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
