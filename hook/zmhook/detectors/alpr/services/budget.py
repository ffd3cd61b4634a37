"""How many questions a service may still be asked this month.

Counted in `<base_data_path>/cache/alpr.sqlite`, for all processes and over restarts. What the
service itself tells of its account is believed where it is less. Months are those of UTC.
"""

from __future__ import annotations

import logging
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detectors.alpr.services.base import PlateServiceError
from zmhook.errors import StateError
from zmhook.storage.shared_database import SharedDatabase
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

log = logging.getLogger(__name__)

FILE = "alpr.sqlite"
SCHEMA = (
    """
    CREATE TABLE asked (
        account TEXT, month TEXT, count INTEGER NOT NULL,
        told_left INTEGER, told_at REAL, PRIMARY KEY (account, month)
    );
    CREATE TABLE held (account TEXT PRIMARY KEY, until REAL NOT NULL, short TEXT, why TEXT);
    """,
)
LONGEST_HOLD = 2 * 3600.0
"""A wait that ends later comes from a clock that was wrong."""
BELIEVED = 3600.0
"""Seconds for which a service that says that none are left is believed: one can buy more."""
FEW = 0.1
"""Share of the month's below which a warning is given, once."""


class Left(NamedTuple):
    """Questions asked this month, and how many are left; None: nobody limits them."""

    asked: int
    left: int | None

    def __str__(self) -> str:
        if self.left is None:
            return f"{self.asked} questions asked this month"
        return f"{self.asked} questions asked this month, {self.left} left"


class Budget:
    """The questions that one account of one service may be asked; `limit` 0: any number."""

    def __init__(
        self,
        base_data_path: str,
        account: str,
        limit: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = SharedDatabase(Path(base_data_path, "cache", FILE), SCHEMA)
        self._account = sha256(account.encode()).hexdigest()[:16]
        self._limit = limit
        self._clock = clock
        self._uncounted = False

    def take(self) -> None:
        """Count one question; raises `PlateServiceError` when none may be asked now."""
        refused = self._run(self._take)
        if refused is not None:
            raise refused

    def give_back(self) -> None:
        """Take a question off the count that the service did not get, or refused."""
        self._run(
            lambda database: database.execute(
                "UPDATE asked SET count = max(0, count - 1), told_left = told_left + 1 "
                "WHERE account = ? AND month = ?",
                (self._account, self._month()),
            )
        )

    def told(self, left: int) -> None:
        """Remember how many the service itself says are left this month."""
        row = (self._account, self._month(), max(0, left), self._clock())
        self._run(
            lambda database: database.execute(
                "INSERT INTO asked VALUES (?, ?, 0, ?, ?) ON CONFLICT DO UPDATE "
                "SET told_left = excluded.told_left, told_at = excluded.told_at",
                row,
            )
        )

    def hold(self, refused: PlateServiceError) -> None:
        """Remember not to ask before `refused.until`."""
        until = min(refused.until, self._clock() + LONGEST_HOLD)
        row = (self._account, until, refused.reason, refused.detail)
        self._run(
            lambda database: database.execute("INSERT OR REPLACE INTO held VALUES (?,?,?,?)", row)
        )

    def left(self) -> Left:
        """Say how many were asked this month and are left."""
        return self._run(self._left) or Left(0, self._limit or None)

    def close(self) -> None:
        self._file.close()

    def _take(self, database: sqlite3.Connection) -> PlateServiceError | None:
        now = self._clock()
        held = database.execute(
            "SELECT short, why FROM held WHERE account = ? AND until > ? AND until <= ?",
            (self._account, now, now + LONGEST_HOLD),
        ).fetchone()
        if held:
            return PlateServiceError(held[0], f"not asked again yet: {held[1]}")
        left = self._left(database).left
        if left is not None and left <= 0:
            return PlateServiceError(
                "no look-ups left",
                f"this month's {self._limit or ''} look-ups are used up "
                "([alpr] alpr_per_month, or your plan); the next month begins on the 1st",
            )
        database.execute(
            "INSERT INTO asked VALUES (?, ?, 1, NULL, NULL) ON CONFLICT DO UPDATE SET "
            "count = count + 1, told_left = told_left - 1",
            (self._account, self._month()),
        )
        self._tell(self._left(database))
        return None

    def _left(self, database: sqlite3.Connection) -> Left:
        row = database.execute(
            "SELECT count, CASE WHEN told_left > 0 OR told_at > ? THEN told_left END FROM asked "
            "WHERE account = ? AND month = ?",
            (self._clock() - BELIEVED, self._account, self._month()),
        ).fetchone()
        asked, told = row or (0, None)
        limits = [] if told is None else [told]
        limits += [self._limit - asked] if self._limit else []
        return Left(asked, max(0, min(limits)) if limits else None)

    def _tell(self, left: Left) -> None:
        few = round(self._limit * FEW)
        level = logging.WARNING if self._limit and left.left == few else logging.INFO
        log.log(level, "alpr: %s", left)

    def _month(self) -> str:
        return time.strftime("%Y-%m", time.gmtime(self._clock()))

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        def once(database: sqlite3.Connection) -> T:
            with transaction(database):
                return work(database)

        try:
            return self._file.use(once)
        except StateError as error:
            if not self._uncounted:
                log.warning("%s; until that is mended questions are not counted", error)
            self._uncounted = True
            return None
