"""Looking up what was decided, beside those who record."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from zmhook.detection import Decision, Outcome
from zmhook.errors import StateError
from zmhook.history.made_with import ModelFile
from zmhook.history.schema import SCHEMA, Entry, unpack
from zmhook.history.stats import by_day
from zmhook.storage import sqlite
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from zmhook.history.stats import Day

T = TypeVar("T")

_COLUMNS = (
    "decisions.number, decisions.at, event_id, monitor_id, outcome, line, frame, kept, drops,"
    " error, total"
)
_LATER = "SELECT 1 FROM decisions AS later WHERE later.event_id = decisions.event_id"


class Recorded(Struct, frozen=True, kw_only=True):
    """A decision as it was made; `settings` is the fingerprint of what was configured then."""

    number: int
    decision: Decision
    line: str
    version: str
    settings: str
    models: list[ModelFile]


class DecisionFilter(Struct, frozen=True, kw_only=True):
    """Which decisions: of those that fit everything given, the newest `limit` (None: all).

    `since` and `until` are seconds since the epoch, both included; `label` is what was found,
    whether it counted or not.
    """

    monitor_id: int | None = None
    since: float | None = None
    until: float | None = None
    outcome: Outcome | None = None
    label: str | None = None
    limit: int | None = None

    def last(self) -> tuple[str, list[Any]]:
        """Return what says whether a decision is its event's last one by `until`, and its values.

        That of the monitor, when one is given. As recorded, whatever the clock said.
        """
        conditions = [
            ("later.monitor_id = ?", self.monitor_id),
            ("later.at <= ?", self.until),
        ]
        given = [(sql, value) for sql, value in conditions if value is not None]
        where = " AND ".join(["later.number > decisions.number", *(sql for sql, _ in given)])
        return f"NOT EXISTS ({_LATER} AND {where})", [value for _, value in given]

    def sql(self) -> tuple[str, list[Any]]:
        """Return what follows `FROM`, and its values."""
        # Which table's times are used says which index is: the newest of a label are found at once.
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
        given = [(sql, value) for sql, value in conditions if value is not None]
        where = " AND ".join(sql for sql, _ in given) or "1"
        limit = -1 if self.limit is None else self.limit
        rest = f"{source} WHERE {where} ORDER BY {table}.at DESC, number DESC LIMIT ?"
        return rest, [*(value for _, value in given), limit]


class History:
    """What is recorded in one file. Every method raises `StateError`, `NoState` without a file."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def decisions(self, chosen: DecisionFilter) -> list[Entry]:
        """Return what fits, newest first."""
        return self._ask(chosen, list)

    def days(self, chosen: DecisionFilter) -> list[Day]:
        """Return what fits, counted by monitor and day; see `by_day`."""
        return self._ask(chosen, by_day)

    def of_event(self, event_id: int) -> list[Recorded]:
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
        """Return the monitors' names by id, as the newest decision on each has them."""
        sql = (
            "SELECT monitor_id, data FROM decisions JOIN reports ON decision = number"
            " WHERE number IN (SELECT MAX(number) FROM decisions"
            " WHERE monitor_id IS NOT NULL GROUP BY monitor_id)"
        )
        rows = sqlite.use(
            self.path, SCHEMA, lambda database: database.execute(sql).fetchall(), readonly=True
        )
        names: dict[int, str] = {}
        for monitor_id, data in rows:
            with suppress(zlib.error, Unreadable):
                names[monitor_id] = Decision.from_json(unpack(data)).event.monitor_name
        return names

    def _recorded(
        self, number: int, line: str, data: bytes, version: str, settings: str, models: str
    ) -> Recorded:
        try:
            decision = Decision.from_json(unpack(data))
            files = decoded(models, list[ModelFile])
        except (zlib.error, Unreadable) as error:
            raise StateError(f"{self.path}: decision {number} cannot be read: {error}") from None
        return Recorded(
            number=number,
            decision=decision,
            line=line,
            version=version,
            settings=settings,
            models=files,
        )

    def _ask(self, chosen: DecisionFilter, take: Callable[[Iterator[Entry]], T]) -> T:
        """Return what `take` makes of the entries that fit, while they are read."""
        last, last_values = chosen.last()
        rest, values = chosen.sql()
        sql = f"SELECT {_COLUMNS}, {last} FROM {rest}"  # noqa: S608 - no values in it

        def ask(connection: sqlite3.Connection) -> T:
            return take(map(_entry, connection.execute(sql, [*last_values, *values])))

        return sqlite.use(self.path, SCHEMA, ask, readonly=True)


def _entry(row: tuple[Any, ...]) -> Entry:
    named = dict(zip(Entry.__struct_fields__, row, strict=True))
    return Entry(**{**named, "drops": decoded(named["drops"]), "last": bool(named["last"])})
