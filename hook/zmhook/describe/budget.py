"""How many questions may still be asked: our own limits, and what a service told us to wait for.

The windows slide: a question counts for 60 seconds in the one, for 24 hours in the other. All
processes with the same data folder share them, and they survive a restart.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from zmhook.describe.description_error import DescriptionError, clock_time

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from zmhook.describe.cache import Database
    from zmhook.settings import Gemini

MINUTE, DAY = 60.0, 86_400.0
LONGEST_HOLD = 26 * 3600.0
"""A wait that ends later comes from a clock that was wrong."""


class Left(NamedTuple):
    """Questions asked in the last minute and day, and what may be (0: any number).

    `held` says what the service wants us to wait for, until `until` (seconds since the epoch).
    """

    minute: int
    day: int
    per_minute: int
    per_day: int
    held: str = ""
    until: float = 0.0


class Budget:
    """The questions that may be asked of one service."""

    def __init__(
        self,
        database: Database,
        gemini: Gemini,
        service: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._limits = (
            ("gemini_per_minute", gemini.gemini_per_minute, MINUTE, "minute"),
            ("gemini_per_day", gemini.gemini_per_day, DAY, "day"),
        )
        self._service = service
        self._clock = clock

    def take(self) -> int:
        """Count one question and return its number, for `give_back`.

        Raises `DescriptionError` when none may be asked now; its `until` says when one may.
        """
        refused, number = self._database.run(self._take)
        if refused is not None:
            raise refused
        return number

    def _take(self, database: sqlite3.Connection) -> tuple[DescriptionError | None, int]:
        now = self._clock()
        database.execute("DELETE FROM asked WHERE at <= ? OR at > ?", (now - DAY, now + DAY))
        database.execute("DELETE FROM held WHERE until <= ? OR until > ?", _sane(now))
        refused = self._held(database) or self._used_up(database, now)
        if refused is not None:
            return refused, 0
        number = database.execute("INSERT INTO asked (at) VALUES (?)", (now,)).lastrowid
        return None, number or 0

    def _held(self, database: sqlite3.Connection) -> DescriptionError | None:
        row = database.execute(
            "SELECT until, short, why FROM held WHERE service = ?", (self._service,)
        ).fetchone()
        if row is None:
            return None
        until, short, why = row
        return DescriptionError(short, f"not asked before {clock_time(until)}: {why}", until=until)

    def _used_up(self, database: sqlite3.Connection, now: float) -> DescriptionError | None:
        for key, limit, window, name in self._limits:
            if limit and _asked(database, now, window) >= limit:
                until = _frees(database, now, window, limit)
                then = clock_time(until)
                text = f"[gemini] {key} = {limit} is used up; the next may be asked {then}"
                return DescriptionError(
                    f"{limit} a {name} are used up", text, until=until, is_own_limit=True
                )
        return None

    def give_back(self, number: int) -> None:
        """Take a question off the count that the service did not get, or refused."""
        self._database.run(lambda one: one.execute("DELETE FROM asked WHERE number = ?", (number,)))

    def hold(self, refused: DescriptionError) -> None:
        """Remember not to ask before `refused.until`."""
        until = min(refused.until, self._clock() + LONGEST_HOLD)
        row = (self._service, until, refused.reason, refused.detail)
        self._database.run(
            lambda one: one.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", row)
        )

    def left(self) -> Left:
        """Say what is used, and what there was to begin with."""
        now = self._clock()

        def look(database: sqlite3.Connection) -> Left:
            held = database.execute(
                "SELECT why, until FROM held WHERE service = ? AND until > ? AND until <= ?",
                (self._service, *_sane(now)),
            ).fetchone()
            (_, per_minute, _, _), (_, per_day, _, _) = self._limits
            minute, day = (_asked(database, now, window) for window in (MINUTE, DAY))
            return Left(minute, day, per_minute, per_day, *(held or ()))

        return self._database.run(look)


def _sane(now: float) -> tuple[float, float]:
    return now, now + LONGEST_HOLD


def _asked(database: sqlite3.Connection, now: float, window: float) -> int:
    # A clock that was set back leaves questions in the future; those of the window count.
    row = database.execute(
        "SELECT count(*) FROM asked WHERE at > ? AND at <= ?", (now - window, now + window)
    ).fetchone()
    return int(row[0])


def _frees(database: sqlite3.Connection, now: float, window: float, limit: int) -> float:
    """Return when there is room for one more: when all but `limit - 1` have left the window."""
    row = database.execute(
        "SELECT at FROM asked WHERE at > ? AND at <= ? ORDER BY at DESC LIMIT 1 OFFSET ?",
        (now - window, now + window, limit - 1),
    ).fetchone()
    return float(row[0]) + window
