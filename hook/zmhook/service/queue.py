"""Events that wait for a worker: bounded, and fair between monitors.

What another machine asks waits here too: each machine is served as if it were a monitor.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.service.ticket import Waiting


class FairQueue:
    """Gives the waiting monitors a turn each, so that a storm on one cannot starve the others.

    An event takes its place when it is asked and can be taken once its picture is `ready`. Within
    a monitor the order is that of asking. When the queue is full, the newest event of the monitor
    that has the most waiting makes room.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._waiting: OrderedDict[int | str | None, list[Waiting]] = OrderedDict()
        self._ready: set[Waiting] = set()
        self._takers: list[int] = []
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return sum(len(tickets) for tickets in self._waiting.values())

    def depths(self) -> dict[int | str | None, int]:
        """Return how many wait per monitor."""
        return {monitor: len(tickets) for monitor, tickets in self._waiting.items()}

    def put(self, ticket: Waiting, *, again: bool = False) -> Waiting | None:
        """Take a place; return the event that had to make room, if any.

        One that is tried `again` goes before the others of its monitor, and nobody has to go
        for it: it had its place before.
        """
        tickets = self._waiting.setdefault(ticket.turn, [])
        tickets.insert(0 if again else len(tickets), ticket)
        if again or len(self) <= self.size:
            return None
        busiest = max(self._waiting.values(), key=len)
        refused = busiest[-1]
        self.remove(refused)
        return refused

    async def ready(self, ticket: Waiting) -> None:
        """Let the event be taken."""
        async with self._changed:
            if ticket in self._waiting.get(ticket.turn, ()):
                self._ready.add(ticket)
                self._changed.notify_all()

    async def get(self, rank: int = 0) -> Waiting:
        """Wait for an event that is ready, of the monitor whose turn it is.

        Of those who wait here, the one with the smallest rank is served.
        """
        async with self._changed:
            self._takers.append(rank)
            try:
                await self._changed.wait_for(lambda: self._ready and min(self._takers) == rank)
            finally:
                self._takers.remove(rank)
                self._changed.notify_all()
            monitor = next(m for m, tickets in self._waiting.items() if self._ready & set(tickets))
            ticket = next(one for one in self._waiting[monitor] if one in self._ready)
            self.remove(ticket)
            if monitor in self._waiting:
                self._waiting.move_to_end(monitor)
            return ticket

    def remove(self, ticket: Waiting) -> None:
        """Give up an event's place, if it has one."""
        tickets = self._waiting.get(ticket.turn, [])
        if ticket in tickets:
            tickets.remove(ticket)
        if not tickets:
            self._waiting.pop(ticket.turn, None)
        self._ready.discard(ticket)

    def drain(self) -> list[Waiting]:
        """Give up every place."""
        tickets = [ticket for waiting in self._waiting.values() for ticket in waiting]
        self._waiting.clear()
        self._ready.clear()
        return tickets
