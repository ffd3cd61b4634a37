"""Record a decision, after its answer has gone out, and delete the oldest."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from msgspec import json

from zmhook.history import provenance
from zmhook.history.schema import SCHEMA, pack
from zmhook.render.line import detection_line, words_of
from zmhook.storage import sqlite
from zmhook.storage.corruption import insert
from zmhook.storage.shared_database import shared_database
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from zmhook.detection import Decision
    from zmhook.settings import History, Settings

log = logging.getLogger(__name__)

MOST_WARNINGS = 100
LONGEST_ERROR = 500
"""Characters for the list; the decision itself has all of them."""
EVERY = 64
"""Decisions between two checks for what is too old or too much."""
STEP = 128
"""Decisions that are deleted in one transaction."""
PAGES = 256
"""Pages that one step gives back to the file system."""
LONGEST = 0.05
"""Seconds that one call may take; the rest waits for the next call."""

_DAY = 86400.0
_MEGABYTE = 1_000_000

_warned: set[str] = set()


def record(decision: Decision, settings: Settings) -> None:
    """Record the decision of an event. Never raises; what goes wrong is logged, each thing once.

    A picture without an event is not recorded, nor anything with `record_history = no`.
    """
    if decision.event.id is None or not settings.history.record_history:
        return
    try:
        _record(decision, settings)
    except Exception as error:  # noqa: BLE001 - the report goes on, whatever happens to the history
        _warn(f"{decision.event} is missing in the history: ", str(error))


def _record(decision: Decision, settings: Settings) -> None:
    history = settings.history
    database = shared_database(history.history_path, SCHEMA)
    models = provenance.model_files(settings, database)
    maker = (
        decision.version,
        provenance.fingerprint(settings),
        json.encode(models).decode(),
    )
    line = words_of(detection_line(decision, settings))
    number = database.use(lambda connection: _put_alone(connection, decision, line, maker))
    if number % EVERY == 0:
        limits = HistoryLimits.of(history)
        database.use(lambda connection: tidy(connection, limits))


def _put_alone(
    connection: sqlite3.Connection, decision: Decision, line: str, maker: tuple[str, str, str]
) -> int:
    with sqlite.transaction(connection):
        return put(connection, decision, line, maker)


def put(
    connection: sqlite3.Connection, decision: Decision, line: str, maker: tuple[str, str, str]
) -> int:
    """Insert one decision of an event, within a transaction, and return its number.

    `maker` is the version, the settings' fingerprint, and the model files as JSON.
    """
    row = _row(decision, line, _maker(connection, maker))
    placeholders = ", ".join("?" * len(row))
    number = insert(
        connection,
        f"INSERT INTO decisions VALUES (NULL, {placeholders})",  # noqa: S608 - question marks only
        row,
    )
    insert(connection, "INSERT INTO reports VALUES (?, ?)", [number, pack(decision.to_json())])
    connection.executemany(
        "INSERT INTO labels VALUES (?, ?, ?)",
        [(number, label, decision.event.asked) for label in _labels(decision)],
    )
    return number


def _maker(connection: sqlite3.Connection, maker: tuple[str, str, str]) -> int:
    connection.execute(
        "INSERT OR IGNORE INTO makers (version, settings, models) VALUES (?, ?, ?)", maker
    )
    number: int = connection.execute(
        "SELECT number FROM makers WHERE version = ? AND settings = ? AND models = ?", maker
    ).fetchone()[0]
    return number


def _row(decision: Decision, line: str, maker: int) -> tuple[object, ...]:
    event = decision.event
    drops = Counter(drop.rule for drop in decision.dropped)
    return (
        event.asked,
        event.id,
        event.monitor_id,
        decision.outcome,
        line,
        decision.frame.id if decision.frame else "",
        len(decision.detections),
        json.encode(drops).decode(),
        "; ".join(decision.errors)[:LONGEST_ERROR],
        decision.timings.get("total", 0.0),
        maker,
    )


def _labels(decision: Decision) -> set[str]:
    """Return the labels of all detections, kept or dropped, except descriptions."""
    detections = [*decision.detections, *(drop.detection for drop in decision.dropped)]
    return {own.label.lower() for own in detections if own.kind != "description"}


def _warn(what: str, why: str) -> None:
    if why not in _warned and len(_warned) < MOST_WARNINGS:
        _warned.add(why)
        log.warning("%s%s", what, why)


# -- what is too old or too much -----------------------------------------------------------------


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
