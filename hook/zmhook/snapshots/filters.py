"""Decide which best snapshots are kept."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from zmhook.image.header import read_header
from zmhook.labels import common, is_part
from zmhook.snapshots.snapshot import BestSnapshot, StoredSnapshot
from zmhook.text.numbers import apart, exact, is_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zmhook.settings import Snapshots

CLASS_SECONDS = 120.0
"""How long a snapshot waits for its class."""
MOST_PENDING = 1000
"""Snapshots that wait, a kilobyte each; more make the oldest decided before their time."""


def rejection(snapshot: BestSnapshot, settings: Snapshots) -> str | None:
    """Return why a snapshot is not kept, in a few words; None when it is kept.

    A snapshot without a class is kept unless classes are named. One whose track goes on, or whose
    length is unknown, is not too short. The class of one that `is_early` does not count.
    """
    return (
        (None if is_early(snapshot, settings) else class_rejection(snapshot, settings))
        or _duration(snapshot, settings.snapshot_min_duration)
        or _size(snapshot.picture, settings.snapshot_min_size)
    )


def is_early(snapshot: BestSnapshot | StoredSnapshot, settings: Snapshots) -> bool:
    """Whether its track goes on, and may still get a class, or a score, that is enough."""
    return not snapshot.ended and may_change(snapshot, settings)


def may_change(snapshot: BestSnapshot | StoredSnapshot, settings: Snapshots) -> bool:
    """Whether its class is missing, or is allowed and has too low a score."""
    if not snapshot.label:
        return True
    is_allowed = _class(snapshot.label, settings.snapshot_classes) is None
    return is_allowed and _score(snapshot.score, settings.snapshot_min_score) is not None


def class_rejection(snapshot: BestSnapshot | StoredSnapshot, settings: Snapshots) -> str | None:
    """Return why a snapshot of such a class and score is not kept; None when it is."""
    return _class(snapshot.label, settings.snapshot_classes) or _score(
        snapshot.score, settings.snapshot_min_score
    )


def _class(label: str, allowed: tuple[str, ...]) -> str | None:
    if not allowed:
        return f"{label} is part of something else" if is_part(label) else None
    if not label:
        return "no class, and classes are named in snapshot_classes"
    is_allowed = label.lower() in allowed or common(label) in _common(allowed)
    return None if is_allowed else f"{label} is not in snapshot_classes"


@lru_cache(maxsize=8)
def _common(allowed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(common, allowed))


def _score(score: float | None, least: float) -> str | None:
    if least <= 0 or (score is not None and not is_below(score, least)):
        return None
    actual = "no score" if score is None else f"score {apart(score, least)}"
    return f"{actual}, and snapshot_min_score is {exact(least)}"


def _duration(snapshot: BestSnapshot, least: float) -> str | None:
    lasted = snapshot.duration
    if lasted is None and snapshot.start is not None and snapshot.end is not None:
        lasted = snapshot.end - snapshot.start
    if not snapshot.ended or lasted is None or not is_below(lasted, least):
        return None
    return f"lasted {apart(lasted, least, 1)} s, and snapshot_min_duration is {exact(least)}"


def _size(picture: bytes, least: int) -> str | None:
    header = read_header(picture) if least else None
    if header is None or min(header.width, header.height) >= least:
        return None
    return f"{header.width}x{header.height} pixels, and snapshot_min_size is {least}"


class Settled(NamedTuple):
    """Snapshots that no longer wait: those kept, and those rejected with the reason."""

    kept: list[StoredSnapshot]
    rejected: list[tuple[StoredSnapshot, str]]


class _Pending(NamedTuple):
    row: StoredSnapshot
    until: float


class PendingClass:
    """Stored snapshots that wait for their class, by number; for one thread.

    A camera may send a picture first and its class afterwards, in another message. Until then
    nobody can decide whether to keep it, and handlers would get a thing without a name.
    `settings_of` is by monitor.
    """

    def __init__(
        self,
        settings_of: Callable[[int | None], Snapshots],
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_PENDING,
    ) -> None:
        self._settings_of = settings_of
        self._clock = clock
        self._most = most
        self._pending: dict[int, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, rows: Iterable[StoredSnapshot]) -> None:
        until = self._clock() + CLASS_SECONDS
        self._pending.update((row.number, _Pending(row, until)) for row in rows)

    def settle(self, changed: Iterable[StoredSnapshot]) -> Settled:
        """Update the rows that later messages changed; return what that, or time, has settled."""
        for row in changed:
            if row.number in self._pending:
                self._pending[row.number] = _Pending(row, self._pending[row.number].until)
        settled = Settled([], [])
        for number in [*filter(self._is_settled, self._pending), *self._too_many()]:
            pending = self._pending.pop(number, None)
            if pending:
                self._decide(pending.row, settled)
        return settled

    def _is_settled(self, number: int) -> bool:
        row, until = self._pending[number]
        return self._clock() >= until or not may_change(row, self._settings_of(row.monitor_id))

    def _too_many(self) -> list[int]:
        return list(self._pending)[: max(0, len(self._pending) - self._most)]

    def _decide(self, row: StoredSnapshot, settled: Settled) -> None:
        reason = class_rejection(row, self._settings_of(row.monitor_id))
        if reason is None:
            settled.kept.append(row)
        else:
            settled.rejected.append((row, reason))
