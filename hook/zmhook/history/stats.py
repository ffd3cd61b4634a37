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

    from zmhook.history.schema import Entry


class Day(Struct, frozen=True, kw_only=True):
    """One local day of one monitor.

    An event that was decided several times is one event, of the day and with the outcome of its
    last decision: `events` is the sum of `alarms`, `nothing` and `undecided`. `dropped` counts
    detections of these last decisions by rule. `decisions` counts them all, each on its own day;
    `p50` and `p95` are the milliseconds that one of them took in all.
    """

    monitor_id: int | None
    day: date
    events: int
    alarms: int
    nothing: int
    undecided: int
    decisions: int
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
        self.outcomes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.totals = array("d")

    def add(self, entry: Entry) -> None:
        if entry.last:
            self.outcomes[entry.outcome] += 1
            self.dropped.update(entry.drops)
        self.totals.append(entry.total)

    def as_day(self, monitor_id: int | None, day: date) -> Day:
        ordered = sorted(self.totals)
        return Day(
            monitor_id=monitor_id,
            day=day,
            events=self.outcomes.total(),
            alarms=self.outcomes["alarm"],
            nothing=self.outcomes["nothing"],
            undecided=self.outcomes["undecided"],
            decisions=len(self.totals),
            dropped=dict(self.dropped.most_common()),
            p50=percentile(ordered, 50),
            p95=percentile(ordered, 95),
        )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent of all are not above (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
