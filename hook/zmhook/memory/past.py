"""What stood where in the last events: a parked car rings once.

An object keeps the box that it was first seen with, so that something which creeps along becomes
a new object one day instead of dragging its box with it. One that an event does not see is missed,
and forgotten after so many events (`past_det_misses`) or seconds (`past_det_expiry`): a car that
leaves and comes back is new.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detection import Box, Detection
from zmhook.memory.object import PastObject
from zmhook.storage.shared_database import SharedDatabase, shared_database
from zmhook.storage.sqlite import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from zmhook.event import Event
    from zmhook.settings import Settings

FILE = "past.sqlite"
MOST_OBJECTS = 500
"""Per monitor; the ones seen last stay."""

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


class Seen(NamedTuple):
    """What an event saw in a picture of `size` (width, height), those that are static included.

    `view` is the part of it that there was a picture of, None for all: what lies elsewhere is not
    missed. Nor is what one of the models `blind` had found, which have not looked this time. What
    was seen too faintly to count by itself (`faint`) is still there when it was before.
    """

    detections: Sequence[Detection]
    size: tuple[int, int]
    view: Box | None = None
    blind: Collection[str] = ()
    faint: Sequence[Detection] = ()


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
        """Return what is remembered of a monitor, what was seen last first.

        Left out is what `but_event` brought itself: an event that is looked at once more finds the
        same as before. Raises `StateError`.
        """
        expiry = self._settings.gate.past_det_expiry
        oldest = (time.time() if now is None else now) - expiry if expiry else float("-inf")
        return [
            one
            for one in self._database.use(lambda connection: _read(connection, monitor_id))
            if one.last_seen >= oldest and (but_event is None or one.event_id != but_event)
        ]

    def save(
        self,
        event: Event,
        monitor_id: int,
        seen: Seen,
        *,
        now: float | None = None,
    ) -> None:
        """Remember what an event saw, and count what it missed; once per event that was decided.

        One transaction, in which it is compared with what is stored by then: of two events at the
        same time neither undoes what the other has stored. Raises `StateError`.
        """
        when = time.time() if now is None else now

        def merge(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                before = _read(connection, monitor_id)
                after = _merged(before, event, seen, self._settings, when)
                _write(connection, monitor_id, before, after)

        self._database.use(merge)


def _merged(
    before: list[PastObject], event: Event, seen: Seen, settings: Settings, now: float
) -> list[PastObject]:
    from zmhook.memory.match import is_compared, match_all

    found = match_all(seen.detections, seen.size, before, settings)
    faint = match_all(seen.faint, seen.size, before, settings)
    known = {one.number for one in (*found, *faint) if one is not None}
    new = [
        _new(detection, event, seen.size, now)
        for detection, one in zip(seen.detections, found, strict=True)
        if one is None and is_compared(detection, settings)
    ]
    old = [_aged(one, event, seen, now, is_seen=one.number in known) for one in before]
    stay = [one for one in old if not _is_forgotten(one, settings, now)]
    return sorted(new + stay, key=lambda one: one.last_seen, reverse=True)[:MOST_OBJECTS]


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


def _aged(one: PastObject, event: Event, seen: Seen, now: float, *, is_seen: bool) -> PastObject:
    from msgspec import structs

    if is_seen:
        return structs.replace(one, last_seen=now, misses=0)
    # Another event saw it after this one had begun: that it came later is no miss of it.
    is_missed = (
        one.last_seen < event.asked and one.model not in seen.blind and _is_in_view(one, seen)
    )
    # A clock that was set back must not make it last for ever.
    return structs.replace(
        one, last_seen=min(one.last_seen, now), misses=one.misses + int(is_missed)
    )


def _is_in_view(one: PastObject, seen: Seen) -> bool:
    """Whether the middle of its box lies in the part of the picture that was looked at."""
    if seen.view is None:
        return True
    x = (one.box.x1 + one.box.x2) / 2 * seen.size[0] / one.width
    y = (one.box.y1 + one.box.y2) / 2 * seen.size[1] / one.height
    return seen.view.x1 <= x < seen.view.x2 and seen.view.y1 <= y < seen.view.y2


def _is_forgotten(one: PastObject, settings: Settings, now: float) -> bool:
    gate = settings.gate
    is_old = bool(gate.past_det_expiry) and now - one.last_seen > gate.past_det_expiry
    return is_old or one.misses >= gate.past_det_misses


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
    stay = {one.number for one in after}
    connection.executemany(
        "DELETE FROM objects WHERE number = ?",
        [(one.number,) for one in before if one.number not in stay],
    )
    connection.executemany(
        "UPDATE objects SET last_seen = ?, misses = ? WHERE number = ?",
        [(one.last_seen, one.misses, one.number) for one in after if one.number],
    )
    connection.executemany(
        "INSERT INTO objects (monitor_id, label, x1, y1, x2, y2, width, height, first_seen,"
        " last_seen, event_id, misses, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (monitor_id, one.label, one.box.x1, one.box.y1, one.box.x2, one.box.y2, one.width,
             one.height, one.first_seen, one.last_seen, one.event_id, one.misses,
             one.model)
            for one in after
            if not one.number
        ],
    )  # fmt: skip
