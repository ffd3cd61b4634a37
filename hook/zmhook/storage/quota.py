"""Limit the requests to a service: our own limits, and the waits that the service asks for.

All processes with the same data folder share a quota, and it survives a restart.
"""

from __future__ import annotations

import time
from calendar import timegm
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from zmhook.errors import ServiceError
    from zmhook.storage.shared_database import FallbackDatabase

TABLES = """
    CREATE TABLE requests (number INTEGER PRIMARY KEY, account TEXT NOT NULL, at REAL NOT NULL);
    CREATE INDEX requests_at ON requests (account, at);
    CREATE TABLE holds (
        account TEXT PRIMARY KEY, until REAL NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL
    );
    CREATE TABLE reports (account TEXT PRIMARY KEY, remaining INTEGER NOT NULL, at REAL NOT NULL);
"""
"""What a database needs that holds quotas."""

MINUTE, DAY = 60.0, 86_400.0
MONTH = 0.0
"""Stands for the calendar month in UTC; other windows slide."""
BELIEVED = 3600.0
"""Seconds for which a service that reports that none remain is believed: one can buy more."""


class Limit(NamedTuple):
    """At most `most` requests (0: any number) in a window of `seconds`, or in the `MONTH`.

    `reason` and `detail` say what is used up; `{next}` in `detail` is when the next may be sent.
    """

    most: int
    seconds: float
    reason: str
    detail: str

    def window(self, now: float) -> tuple[float, float]:
        """Return where the window begins and ends.

        A clock that was set back leaves requests in the future; those of the window count.
        """
        if self.seconds:
            return now - self.seconds, now + self.seconds
        year, month, *_ = time.gmtime(now)
        return _month(year, month), _month(year, month + 1)


class Usage(NamedTuple):
    """Requests in the window of each limit, and how many remain (None: any number).

    `held` says why the service wants to be left alone until `until`, in seconds since the epoch.
    """

    counts: tuple[int, ...]
    remaining: int | None
    held: str = ""
    until: float = 0.0


class Quota:
    """The requests that may be sent with one account; `error` is raised for those that may not.

    Requests are counted for `counted_as`, by default for the account alone. No hold lasts longer
    than `longest_hold` seconds: one that ends later comes from a clock that was wrong.
    """

    def __init__(
        self,
        database: FallbackDatabase,
        account: str,
        limits: Sequence[Limit],
        error: type[ServiceError],
        *,
        longest_hold: float,
        counted_as: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._account = account
        self._counted_as = account if counted_as is None else counted_as
        self._limits = tuple(limits)
        self._error = error
        self._longest_hold = longest_hold
        self._clock = clock

    def take(self) -> int:
        """Count one request and return its number, for `give_back`.

        Raises `ServiceError` when none may be sent now; its `until` says when one may.
        """
        refusal, number = self._database.run(self._take)
        if refusal is not None:
            raise refusal
        return number

    def give_back(self, number: int) -> None:
        """Take a request off the count that the service did not get, or refused."""

        def delete(database: sqlite3.Connection) -> None:
            if database.execute("DELETE FROM requests WHERE number = ?", (number,)).rowcount:
                self._add_to_report(database, 1)

        self._database.run(delete)

    def hold(self, error: ServiceError) -> None:
        """Remember to send nothing before `error.until`."""
        until = min(error.until, self._clock() + self._longest_hold)
        row = (self._account, until, error.reason, error.detail)
        self._database.run(
            lambda database: database.execute("INSERT OR REPLACE INTO holds VALUES (?,?,?,?)", row)
        )

    def report(self, remaining: int) -> None:
        """Remember how many requests remain according to the service, this month."""
        row = (self._account, max(0, remaining), self._clock())
        self._database.run(
            lambda database: database.execute("INSERT OR REPLACE INTO reports VALUES (?,?,?)", row)
        )

    def usage(self) -> Usage:
        """Return what is used, and what remains."""
        return self._database.run(lambda database: self._usage(database, self._clock()))

    def _take(self, database: sqlite3.Connection) -> tuple[ServiceError | None, int]:
        now = self._clock()
        self._forget(database, now)
        refusal = self._held(database, now) or self._used_up(database, now)
        if refusal is not None:
            return refusal, 0
        number = database.execute(
            "INSERT INTO requests (account, at) VALUES (?, ?)", (self._counted_as, now)
        ).lastrowid
        self._add_to_report(database, -1)
        return None, number or 0

    def _forget(self, database: sqlite3.Connection, now: float) -> None:
        windows = [limit.window(now) for limit in self._limits]
        first, last = min(start for start, _ in windows), max(end for _, end in windows)
        database.execute(
            "DELETE FROM requests WHERE account = ? AND (at <= ? OR at > ?)",
            (self._counted_as, first, last),
        )
        database.execute(
            "DELETE FROM holds WHERE until <= ? OR until > ?", (now, now + self._longest_hold)
        )

    def _held(self, database: sqlite3.Connection, now: float) -> ServiceError | None:
        row = self._hold(database, now)
        if row is None:
            return None
        until, reason, detail = row
        text = f"not asked before {clock_time(until)}: {detail}"
        return self._error(reason, text, until=until)

    def _hold(self, database: sqlite3.Connection, now: float) -> tuple[float, str, str] | None:
        row: tuple[float, str, str] | None = database.execute(
            "SELECT until, reason, detail FROM holds"
            " WHERE account = ? AND until > ? AND until <= ?",
            (self._account, now, now + self._longest_hold),
        ).fetchone()
        return row

    def _used_up(self, database: sqlite3.Connection, now: float) -> ServiceError | None:
        for limit in self._limits:
            if limit.most and self._count(database, limit, now) >= limit.most:
                return self._refusal(limit, self._next(database, limit, now))
        remaining = self._reported(database, now)
        if remaining is not None and remaining <= 0:
            limit = self._limits[-1]
            return self._refusal(limit, limit.window(now)[1])
        return None

    def _refusal(self, limit: Limit, until: float) -> ServiceError:
        detail = limit.detail.format(next=clock_time(until))
        return self._error(limit.reason, detail, until=until, is_own_limit=True)

    def _count(self, database: sqlite3.Connection, limit: Limit, now: float) -> int:
        row = database.execute(
            "SELECT count(*) FROM requests WHERE account = ? AND at > ? AND at <= ?",
            (self._counted_as, *limit.window(now)),
        ).fetchone()
        return int(row[0])

    def _next(self, database: sqlite3.Connection, limit: Limit, now: float) -> float:
        """Return when there is room for one more: all but `most - 1` have left the window."""
        start, end = limit.window(now)
        if not limit.seconds:
            return end
        row = database.execute(
            "SELECT at FROM requests WHERE account = ? AND at > ? AND at <= ?"
            " ORDER BY at DESC LIMIT 1 OFFSET ?",
            (self._counted_as, start, end, limit.most - 1),
        ).fetchone()
        return float(row[0]) + limit.seconds

    def _reported(self, database: sqlite3.Connection, now: float) -> int | None:
        year, month, *_ = time.gmtime(now)
        row = database.execute(
            "SELECT remaining FROM reports WHERE account = ? AND at >= ?"
            " AND (remaining > 0 OR at > ?)",
            (self._account, _month(year, month), now - BELIEVED),
        ).fetchone()
        return row[0] if row else None

    def _add_to_report(self, database: sqlite3.Connection, number: int) -> None:
        database.execute(
            "UPDATE reports SET remaining = remaining + ? WHERE account = ?",
            (number, self._account),
        )

    def _usage(self, database: sqlite3.Connection, now: float) -> Usage:
        counts = tuple(self._count(database, limit, now) for limit in self._limits)
        remaining = [
            limit.most - count
            for limit, count in zip(self._limits, counts, strict=True)
            if limit.most
        ]
        reported = self._reported(database, now)
        remaining += [] if reported is None else [reported]
        until, _, held = self._hold(database, now) or (0.0, "", "")
        return Usage(counts, max(0, min(remaining)) if remaining else None, held, until)


def clock_time(moment: float) -> str:
    """Return a time of day, with the date when it is not today's."""
    local, today = time.localtime(moment), time.localtime()
    same_day = local[:3] == today[:3]
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M", local)


def _month(year: int, month: int) -> float:
    """Return when a month begins; month 13 is the next January."""
    return float(timegm((year + month // 13, (month - 1) % 12 + 1, 1, 0, 0, 0)))
