"""How far ZoneMinder's events were followed: which are new, and which are too old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from zmhook.zoneminder.event_row import EventRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PAGE = 100
"""Rows that ZoneMinder gives at once, at most."""
GAP_SECONDS = 10.0
"""How long a number that was left out is waited for: two cameras' rows may come in any order."""
MOST_AHEAD = 60.0
"""Seconds that the clock of ZoneMinder's machine may be ahead of ours."""


class Position(Struct, kw_only=True):
    """The events that need no more attention: all up to `mark`, and those in `settled`.

    `answered` is when ZoneMinder last answered, seconds since the epoch.
    """

    portal: str
    mark: Annotated[int, Meta(ge=0)]
    answered: float
    settled: list[int] = []


class NewEvents(Struct, frozen=True):
    """What a response brings: the events to analyse, the oldest first, and what is left out.

    `missed` says that there were more than one response holds.
    """

    events: list[EventRow]
    old: list[EventRow]
    missed: bool


class Follower:
    """Tells new events from others, by what ZoneMinder gives of those after `position.mark`.

    `now` is seconds since the epoch, everywhere.
    """

    def __init__(self, position: Position, max_age: float) -> None:
        self.position = position
        self._max_age = max_age
        self._waiting: set[int] = set()
        self._first_seen: dict[int, float] = {}

    def take(self, rows: Sequence[EventRow], now: float) -> NewEvents:
        """Return what is new in a response; it waits until `settle` is called."""
        is_gapless = 0 <= now - self.position.answered <= self._max_age
        self.position.answered = now
        before = min((row.id for row in rows if row.id), default=0) - 1
        missed = len(rows) >= PAGE and before > self.position.mark
        if missed:
            self._raise_mark(before)
        known = {*self.position.settled, *self._waiting}
        unknown = [row for row in rows if row.id > self.position.mark and row.id not in known]
        events: list[EventRow] = []
        old: list[EventRow] = []
        for row in sorted(unknown, key=lambda row: row.id):
            self._first_seen[row.id] = now
            is_recent = self._is_recent(row, now, is_gapless=is_gapless)
            (events if is_recent else old).append(row)
        self._waiting |= {row.id for row in events}
        self.settle(row.id for row in old)
        self._advance(now)
        return NewEvents(events, old, missed)

    def settle(self, event_ids: Iterable[int]) -> None:
        """Note that events need no more attention, also after a restart."""
        done = set(event_ids)
        self._waiting -= done
        self.position.settled = sorted({*self.position.settled, *done})

    def restart_at(self, newest: int) -> None:
        """Go on after an event whose number is lower than the mark: the database is another."""
        self.position.mark = newest
        self.position.settled = []
        self._first_seen.clear()

    def _is_recent(self, row: EventRow, now: float, *, is_gapless: bool) -> bool:
        """Say whether an event is young enough.

        Without a break, all that is new is. `started` is only asked where it is exact (1.38), or
        after a break: before, it is local time of a zone that nobody names.
        """
        if is_gapless and not row.is_exact:
            return True
        return row.started is not None and -MOST_AHEAD <= now - row.started <= self._max_age

    def _advance(self, now: float) -> None:
        """Raise the mark over what is settled, and over numbers that do not come."""
        for number in self.position.settled:
            first = self._first_seen.setdefault(number, now)
            is_next = number == self.position.mark + 1
            if any(waiting < number for waiting in self._waiting):
                break
            if not is_next and 0 <= now - first < GAP_SECONDS:
                break
            self.position.mark = number
        self._raise_mark(self.position.mark)

    def _raise_mark(self, mark: int) -> None:
        self.position.mark = max(self.position.mark, mark)
        self.position.settled = [n for n in self.position.settled if n > self.position.mark]
        kept = {*self.position.settled, *self._waiting}
        self._first_seen = {n: at for n, at in self._first_seen.items() if n in kept}
