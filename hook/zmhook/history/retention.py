"""Delete what is too old or too much, in short steps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from zmhook.settings import History

STEP = 128
"""Decisions that are deleted in one transaction."""
PAGES = 256
"""Pages that one step gives back to the file system."""
LONGEST = 0.05
"""Seconds that one call may take; the rest waits for the next call."""

_DAY = 86400.0
_MEGABYTE = 1_000_000


class HistoryLimits(NamedTuple):
    """Seconds since the epoch before which everything goes, and bytes of the file; 0: none."""

    oldest: float
    size: float

    @classmethod
    def of(cls, history: History, now: float | None = None) -> HistoryLimits:
        when = time.time() if now is None else now
        age = history.history_max_age * _DAY
        return cls(when - age if age else 0.0, history.history_max_size * _MEGABYTE)


def tidy(connection: sqlite3.Connection, limits: HistoryLimits, longest: float = LONGEST) -> int:
    """Delete the oldest decisions beyond the limits, for at most `longest` seconds; count them."""
    end = time.monotonic() + longest
    deleted = 0
    for numbers in _steps(connection, limits):
        _delete(connection, numbers)
        deleted += len(numbers)
        if time.monotonic() > end:
            break
    return deleted


def _steps(connection: sqlite3.Connection, limits: HistoryLimits) -> Iterator[list[int]]:
    """Yield what to delete next, until there is nothing."""
    while numbers := _too_old(connection, limits.oldest) or _too_much(connection, limits.size):
        yield numbers


def _too_old(connection: sqlite3.Connection, oldest: float) -> list[int]:
    rows = connection.execute(
        "SELECT number FROM decisions WHERE at < ? ORDER BY at LIMIT ?", [oldest, STEP]
    )
    return [row[0] for row in rows]


def _too_much(connection: sqlite3.Connection, size: float) -> list[int]:
    if not size or used_bytes(connection) <= size:
        return []
    # The newest one stays, however small the limit is.
    rows = connection.execute(
        "SELECT number FROM decisions WHERE number NOT IN"
        " (SELECT number FROM decisions ORDER BY at DESC LIMIT 1) ORDER BY at LIMIT ?",
        [STEP],
    )
    return [row[0] for row in rows]


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return what the file holds, without what a deletion has left free in it."""
    size, count, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    used: int = size * (count - free)
    return used


def _delete(connection: sqlite3.Connection, numbers: list[int]) -> None:
    rows = [(number,) for number in numbers]
    with transaction(connection):
        connection.executemany("DELETE FROM labels WHERE decision = ?", rows)
        connection.executemany("DELETE FROM reports WHERE decision = ?", rows)
        connection.executemany("DELETE FROM decisions WHERE number = ?", rows)
        connection.execute(
            "DELETE FROM makers WHERE NOT EXISTS"
            " (SELECT 1 FROM decisions WHERE maker = makers.number)"
        )
    # One step a page, of which `execute` would do the first one only: it yields no columns.
    connection.executescript(f"PRAGMA incremental_vacuum({PAGES})")
