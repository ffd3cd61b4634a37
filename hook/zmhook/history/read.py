"""Query the recorded decisions, while other processes record."""

from __future__ import annotations

import time
import zlib
from array import array
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from zmhook.detection import Decision, Outcome
from zmhook.errors import StateError
from zmhook.history.provenance import ModelFileHash
from zmhook.history.schema import SCHEMA, HistoryEntry, unpack
from zmhook.storage import sqlite
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence


T = TypeVar("T")

_COLUMNS = (
    "decisions.number, decisions.at, event_id, monitor_id, outcome, line, frame, kept, drops,"
    " error, total"
)
_LATER = "SELECT 1 FROM decisions AS later WHERE later.event_id = decisions.event_id"


NAMED_AMONG = 20
"""The newest decisions on a monitor of which one may have its name."""


class RecordedDecision(Struct, frozen=True, kw_only=True):
    """A recorded decision; `settings` is the fingerprint of the settings of that time."""

    number: int
    decision: Decision
    line: str
    version: str
    settings: str
    models: list[ModelFileHash]


class DecisionFilter(Struct, frozen=True, kw_only=True):
    """Selects decisions: of those that match every field, the newest `limit` (None: all).

    `since` and `until` are seconds since the epoch, both included; `label` is that of a detection,
    whether kept or dropped.
    """

    monitor_id: int | None = None
    since: float | None = None
    until: float | None = None
    outcome: Outcome | None = None
    label: str | None = None
    limit: int | None = None

    def last(self) -> tuple[str, list[Any]]:
        """Return the SQL for whether a decision is its event's last one by `until`, and its values.

        With a monitor, the last one on that. The order is that of recording, whatever the clock.
        """
        conditions = [
            ("later.monitor_id = ?", self.monitor_id),
            ("later.at <= ?", self.until),
        ]
        present = [(sql, value) for sql, value in conditions if value is not None]
        where = " AND ".join(["later.number > decisions.number", *(sql for sql, _ in present)])
        return f"NOT EXISTS ({_LATER} AND {where})", [value for _, value in present]

    def sql(self) -> tuple[str, list[Any]]:
        """Return the SQL after `FROM`, and its values."""
        # The table whose times are used decides the index: the newest of a label come at once.
        table, source = "decisions", "decisions"
        if self.label is not None:
            table, source = "labels", "labels CROSS JOIN decisions ON number = decision"
        conditions = [
            ("label = ?", self.label.lower() if self.label is not None else None),
            ("monitor_id = ?", self.monitor_id),
            (f"{table}.at >= ?", self.since),
            (f"{table}.at <= ?", self.until),
            ("outcome = ?", self.outcome),
        ]
        present = [(sql, value) for sql, value in conditions if value is not None]
        where = " AND ".join(sql for sql, _ in present) or "1"
        limit = -1 if self.limit is None else self.limit
        rest = f"{source} WHERE {where} ORDER BY {table}.at DESC, number DESC LIMIT ?"
        return rest, [*(value for _, value in present), limit]


class DailyStats(Struct, frozen=True, kw_only=True):
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


class History:
    """The records of one file. Every method raises `StateError`, `NoState` without a file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def decisions(self, query: DecisionFilter) -> list[HistoryEntry]:
        """Return the matching decisions, newest first."""
        return self._read(query, list)

    def days(self, query: DecisionFilter) -> list[DailyStats]:
        """Return the matching decisions counted by monitor and day; see `by_day`."""
        return self._read(query, by_day)

    def of_event(self, event_id: int) -> list[RecordedDecision]:
        """Return every decision of an event, the first one first."""
        sql = (
            "SELECT decisions.number, line, data, version, settings, models FROM decisions"
            " JOIN reports ON decision = decisions.number JOIN makers ON maker = makers.number"
            " WHERE event_id = ? ORDER BY decisions.number"
        )
        rows = sqlite.use(
            self.path,
            SCHEMA,
            lambda connection: connection.execute(sql, [event_id]).fetchall(),
            readonly=True,
        )
        return [self._recorded(*row) for row in rows]

    def monitor_names(self) -> dict[int, str]:
        """Return the monitors' names by id, as the newest decision with a name has them.

        Not every caller names the monitor, so the last few decisions on each are read.
        """
        return sqlite.use(self.path, SCHEMA, _monitor_names, readonly=True)

    def _recorded(
        self, number: int, line: str, data: bytes, version: str, settings: str, models: str
    ) -> RecordedDecision:
        try:
            decision = Decision.from_json(unpack(data))
            files = decoded(models, list[ModelFileHash])
        except (zlib.error, Unreadable) as error:
            raise StateError(f"{self.path}: decision {number} cannot be read: {error}") from None
        return RecordedDecision(
            number=number,
            decision=decision,
            line=line,
            version=version,
            settings=settings,
            models=files,
        )

    def _read(self, query: DecisionFilter, collect: Callable[[Iterator[HistoryEntry]], T]) -> T:
        """Return what `collect` makes of the matching entries, while they are read."""
        last, last_values = query.last()
        rest, values = query.sql()
        sql = f"SELECT {_COLUMNS}, {last} FROM {rest}"  # noqa: S608 - no values in it

        def read(connection: sqlite3.Connection) -> T:
            return collect(map(_entry, connection.execute(sql, [*last_values, *values])))

        return sqlite.use(self.path, SCHEMA, read, readonly=True)


def _entry(row: tuple[Any, ...]) -> HistoryEntry:
    named = dict(zip(HistoryEntry.__struct_fields__, row, strict=True))
    return HistoryEntry(**{**named, "drops": decoded(named["drops"]), "last": bool(named["last"])})


def by_day(entries: Iterable[HistoryEntry]) -> list[DailyStats]:
    """Return the days by monitor, each monitor's newest first."""
    counts: dict[tuple[int | None, date], _DayCount] = {}
    for entry in entries:
        day = date(*time.localtime(entry.at)[:3])
        counts.setdefault((entry.monitor_id, day), _DayCount()).add(entry)
    order = sorted(counts, key=lambda key: (key[0] is None, key[0] or 0, -key[1].toordinal()))
    return [counts[key].as_day(*key) for key in order]


class _DayCount:
    """One day of one monitor, while its decisions are read."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.totals = array("d")

    def add(self, entry: HistoryEntry) -> None:
        if entry.last:
            self.outcomes[entry.outcome] += 1
            self.dropped.update(entry.drops)
        self.totals.append(entry.total)

    def as_day(self, monitor_id: int | None, day: date) -> DailyStats:
        ordered = sorted(self.totals)
        return DailyStats(
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


def _monitor_names(database: sqlite3.Connection) -> dict[int, str]:
    monitors = "SELECT DISTINCT monitor_id FROM decisions WHERE monitor_id IS NOT NULL"
    reports = (
        "SELECT data FROM decisions JOIN reports ON decision = number"
        " WHERE monitor_id = ? ORDER BY at DESC LIMIT ?"
    )
    names = {}
    for (monitor_id,) in database.execute(monitors).fetchall():
        newest = database.execute(reports, (monitor_id, NAMED_AMONG)).fetchall()
        names[monitor_id] = next(filter(None, (_monitor_name(data) for (data,) in newest)), "")
    return names


def _monitor_name(data: bytes) -> str:
    with suppress(zlib.error, Unreadable):
        return Decision.from_json(unpack(data)).event.monitor_name
    return ""
