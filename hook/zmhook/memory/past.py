"""The past objects of each monitor, so that a parked car alarms once.

An object keeps the box that it was first detected with, so that something which creeps along
becomes a new object one day instead of dragging its box with it. An object that an event does not
show is missed, and forgotten after so many events (`past_det_misses`) or seconds
(`past_det_expiry`): a car that leaves and comes back is new.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.memory.past_object import PastObject
from zmhook.storage.shared_database import SharedDatabase, shared_database
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3

    from zmhook.event import Event
    from zmhook.settings import Settings

FILE = "past.sqlite"
MOST_OBJECTS = 500
"""Per monitor; those detected last stay."""

SCHEMA = (
    """
    CREATE TABLE objects (
        number INTEGER PRIMARY KEY,
        monitor_id INTEGER NOT NULL,
        label TEXT NOT NULL,
        x1 INTEGER NOT NULL, y1 INTEGER NOT NULL, x2 INTEGER NOT NULL, y2 INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        first_seen REAL NOT NULL,
        last_seen REAL NOT NULL,
        event_id INTEGER,
        misses INTEGER NOT NULL
    );
    CREATE INDEX objects_monitor ON objects (monitor_id, last_seen);
    """,
    "ALTER TABLE objects ADD COLUMN model TEXT NOT NULL DEFAULT '';",
)
_COLUMNS = (
    "number, label, x1, y1, x2, y2, width, height, first_seen, last_seen, event_id, misses, model"
)


class Observation(NamedTuple):
    """What an event showed in a picture of `size` (width, height), static objects included.

    `view` is the part of it that there was a picture of, None for all: what lies elsewhere is not
    missed. Nor is what one of `skipped_models` had detected, which did not run this time.
    `low_confidence` does not count by itself, but shows that a past object is still there.
    """

    detections: Sequence[Detection]
    size: tuple[int, int]
    view: Box | None = None
    skipped_models: Collection[str] = ()
    low_confidence: Sequence[Detection] = ()


class Past:
    """The past objects of all monitors. Many processes may use the file at once."""

    def __init__(self, database: SharedDatabase, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    @classmethod
    def open(cls, settings: Settings) -> Past:
        """Return the one of `state_path`; the file is opened at the first use."""
        return cls(shared_database(Path(settings.gate.state_path, FILE), SCHEMA), settings)

    def at(
        self, monitor_id: int, *, but_event: int | None = None, now: float | None = None
    ) -> list[PastObject]:
        """Return a monitor's objects, those detected last first. Raises `StateError`.

        Objects that `but_event` itself stored are left out: an event that is decided once more
        gets the same as before.
        """
        expiry = self._settings.gate.past_det_expiry
        oldest = (time.time() if now is None else now) - expiry if expiry else float("-inf")
        return [
            past
            for past in self._database.use(lambda connection: _read(connection, monitor_id))
            if past.last_seen >= oldest and (but_event is None or past.event_id != but_event)
        ]

    def save(
        self,
        event: Event,
        monitor_id: int,
        observation: Observation,
        *,
        now: float | None = None,
    ) -> None:
        """Store what an event showed, and count what it missed; once per decided event.

        It is compared with what is stored by then in one transaction: of two events at the same
        time neither undoes what the other has stored. Raises `StateError`.
        """
        import zmhook.memory.match  # noqa: F401 - numpy loads slowly: not while others wait

        when = time.time() if now is None else now

        def merge(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                before = _read(connection, monitor_id)
                after = _merged(before, event, observation, self._settings, when)
                _write(connection, monitor_id, before, after)

        self._database.use(merge)


def _merged(
    before: list[PastObject], event: Event, observation: Observation, settings: Settings, now: float
) -> list[PastObject]:
    from zmhook.memory.match import is_compared, match_all

    detections, size = observation.detections, observation.size
    matches = match_all(detections, size, before, settings)
    low = match_all(observation.low_confidence, size, before, settings)
    matched = {past.number for past in (*matches, *low) if past is not None}
    new = [
        _new(detection, event, size, now)
        for detection, past in zip(detections, matches, strict=True)
        if past is None and is_compared(detection, settings)
    ]
    old = [
        structs.replace(past, last_seen=now, misses=0)
        if past.number in matched
        else _missed(past, event, observation, now)
        for past in before
    ]
    stay = [past for past in old if not _is_forgotten(past, settings, now)]
    return sorted(new + stay, key=lambda past: past.last_seen, reverse=True)[:MOST_OBJECTS]


def _new(detection: Detection, event: Event, size: tuple[int, int], now: float) -> PastObject:
    return PastObject(
        label=detection.label,
        box=detection.box,
        width=size[0],
        height=size[1],
        first_seen=now,
        last_seen=now,
        event_id=event.id,
        model=detection.model,
    )


def _missed(past: PastObject, event: Event, observation: Observation, now: float) -> PastObject:
    # That this event did not show it counts only if it could have, and no later event has.
    is_missed = (
        past.last_seen < event.asked
        and past.model not in observation.skipped_models
        and _is_in_view(past, observation)
    )
    # A clock that was set back must not make it last for ever.
    last_seen = min(past.last_seen, now)
    return structs.replace(past, last_seen=last_seen, misses=past.misses + int(is_missed))


def _is_in_view(past: PastObject, observation: Observation) -> bool:
    """Return whether there was a picture of the middle of its box."""
    view, size, box = observation.view, observation.size, past.box
    if view is None:
        return True
    x = (box.x1 + box.x2) / 2 * size[0] / past.width
    y = (box.y1 + box.y2) / 2 * size[1] / past.height
    return view.x1 <= x < view.x2 and view.y1 <= y < view.y2


def _is_forgotten(past: PastObject, settings: Settings, now: float) -> bool:
    gate = settings.gate
    is_old = bool(gate.past_det_expiry) and now - past.last_seen > gate.past_det_expiry
    return is_old or past.misses >= gate.past_det_misses


# -- the table -----------------------------------------------------------------------------------


def _read(connection: sqlite3.Connection, monitor_id: int) -> list[PastObject]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM objects WHERE monitor_id = ? ORDER BY last_seen DESC",  # noqa: S608 - the names are this module's own
        [monitor_id],
    ).fetchall()
    return [
        PastObject(
            number=number,
            label=label,
            box=Box(x1, y1, x2, y2),
            width=width,
            height=height,
            first_seen=first_seen,
            last_seen=last_seen,
            event_id=event_id,
            misses=misses,
            model=model,
        )
        for (
            number, label, x1, y1, x2, y2, width, height, first_seen, last_seen, event_id, misses,
            model,
        ) in rows
    ]  # fmt: skip


def _write(
    connection: sqlite3.Connection,
    monitor_id: int,
    before: Iterable[PastObject],
    after: Sequence[PastObject],
) -> None:
    stay = {past.number for past in after}
    connection.executemany(
        "DELETE FROM objects WHERE number = ?",
        [(past.number,) for past in before if past.number not in stay],
    )
    connection.executemany(
        "UPDATE objects SET last_seen = ?, misses = ? WHERE number = ?",
        [(past.last_seen, past.misses, past.number) for past in after if past.number],
    )
    connection.executemany(
        "INSERT INTO objects (monitor_id, label, x1, y1, x2, y2, width, height, first_seen,"
        " last_seen, event_id, misses, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (monitor_id, past.label, past.box.x1, past.box.y1, past.box.x2, past.box.y2, past.width,
             past.height, past.first_seen, past.last_seen, past.event_id, past.misses,
             past.model)
            for past in after
            if not past.number
        ],
    )  # fmt: skip
