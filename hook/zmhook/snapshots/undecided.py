"""Snapshots that came before their class: stored at once, and judged when it is known.

A camera may send the picture first and what it shows afterwards, in another message. Until then
nobody knows whether it is wanted, and handlers would be asked about a thing without a name.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from zmhook.snapshots import filters
from zmhook.snapshots.snapshot import StoredSnapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zmhook.settings import Snapshots

SECONDS = 120.0
"""How long a class is waited for."""
MOST = 1000
"""Snapshots that wait, a kilobyte each; the oldest are judged before their time."""


class Settled(NamedTuple):
    """What waits no more: what is wanted, and what is not with the reason."""

    wanted: list[StoredSnapshot]
    unwanted: list[tuple[StoredSnapshot, str]]


class _Held(NamedTuple):
    row: StoredSnapshot
    until: float


class Undecided:
    """The snapshots that wait, by number; for one thread. `settings_of` is by monitor."""

    def __init__(
        self,
        settings_of: Callable[[int | None], Snapshots],
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST,
    ) -> None:
        self._settings_of = settings_of
        self._clock = clock
        self._most = most
        self._held: dict[int, _Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def put(self, rows: Iterable[StoredSnapshot]) -> None:
        until = self._clock() + SECONDS
        self._held.update((row.number, _Held(row, until)) for row in rows)

    def settle(self, changed: Iterable[StoredSnapshot]) -> Settled:
        """Take in what later messages changed; return what is settled, by that or by time."""
        for row in changed:
            if row.number in self._held:
                self._held[row.number] = _Held(row, self._held[row.number].until)
        settled = Settled([], [])
        for number in [*filter(self._is_settled, self._held), *self._too_many()]:
            held = self._held.pop(number, None)
            if held:
                self._judge(held.row, settled)
        return settled

    def _is_settled(self, number: int) -> bool:
        row, until = self._held[number]
        return self._clock() >= until or not filters.may_change(
            row, self._settings_of(row.monitor_id)
        )

    def _too_many(self) -> list[int]:
        return list(self._held)[: max(0, len(self._held) - self._most)]

    def _judge(self, row: StoredSnapshot, settled: Settled) -> None:
        reason = filters.of_class(row, self._settings_of(row.monitor_id))
        if reason is None:
            settled.wanted.append(row)
        else:
            settled.unwanted.append((row, reason))
