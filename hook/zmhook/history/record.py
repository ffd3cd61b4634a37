"""Record a decision, after its answer has gone out."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import json

from zmhook.history import provenance, retention
from zmhook.history.schema import SCHEMA, pack
from zmhook.render.line import detection_line, words_of
from zmhook.storage import sqlite
from zmhook.storage.corruption import insert
from zmhook.storage.shared_database import shared_database

if TYPE_CHECKING:
    import sqlite3

    from zmhook.detection import Decision
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

MOST_WARNINGS = 100
LONGEST_ERROR = 500
"""Characters for the list; the decision itself has all of them."""
EVERY = 64
"""Decisions between two checks for what is too old or too much."""

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
        limits = retention.HistoryLimits.of(history)
        database.use(lambda connection: retention.tidy(connection, limits))


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
