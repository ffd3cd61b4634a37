"""Queue what waits for a worker: bounded, and fair between monitors.

Requests of other machines wait here too: each machine is served as if it were a monitor.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from zmhook.service.wire import Message
    from zmhook.settings import Settings

Result = TypeVar("Result")


class Ticket(ABC, Generic[Result]):
    """What waits for a worker: its job, its deadline, and the result to come.

    Tickets of the same `turn` (a monitor, or another machine) wait for one another. What a worker
    logs meanwhile goes to the log of `monitor_id`. `fingerprint` is that of the model files.
    `lacks_resources` when something went wrong for want of memory or files.
    """

    monitor_id: int | None = None
    turn: int | str | None = None

    def __init__(self, settings: Settings, fingerprint: str, seconds: float) -> None:
        self.settings = settings
        self.fingerprint = fingerprint
        self.asked = time.monotonic()
        self.tries = 0
        self.seconds = seconds
        self.lacks_resources = False
        self._result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for the result."""
        return not self._result.done()

    def left(self) -> float:
        """Return the seconds that it may still take."""
        return max(0.0, self.asked + self.seconds - time.monotonic())

    # -- for a worker ------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Wait until a worker could begin."""

    @abstractmethod
    async def job(self, settings: dict[str, Any]) -> Message:
        """Return the job for a worker that begins now, by these settings (plain)."""

    @abstractmethod
    async def receive(self, message: Message) -> Message | None:
        """Take a worker's message; return the reply, if it needs one."""

    def release(self) -> None:
        """Give a result that is held back: the worker is done."""

    async def close(self) -> None:
        """Free what `prepare` took."""

    # -- the result --------------------------------------------------------------------------------

    def give(self, result: Result) -> None:
        """Give the result; a second one is ignored."""
        if self.is_open:
            self._result.set_result(result)

    @abstractmethod
    def fail(self, why: str) -> None:
        """Give a result that says that there is none, and why."""

    def reject(self, why: str) -> None:
        """Fail because there is no room or time, though nothing is wrong with it."""
        self.fail(why)

    @abstractmethod
    def expire(self) -> None:
        """Give the result at the deadline."""

    def drop(self) -> None:
        """Forget the result: nobody waits for it any more."""
        self._result.cancel()

    async def closed(self) -> None:
        """Wait until nobody waits for the result any more."""
        await asyncio.wait([self._result])

    async def result(self) -> Result:
        """Wait for the result, at most until the deadline."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._result), self.left())
        except asyncio.TimeoutError:
            self.expire()
            return self._result.result()


AnyTicket = Ticket[Any]


class FairQueue:
    """Serves monitors in turn, so that a storm on one cannot starve the others.

    An event takes its place when it is asked and can be taken once its picture is `ready`. Within
    a monitor the order is that of asking. When the queue is full, the newest event of the monitor
    that has the most waiting makes room.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._waiting: OrderedDict[int | str | None, list[AnyTicket]] = OrderedDict()
        self._ready: set[AnyTicket] = set()
        self._takers: list[int] = []
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return sum(len(tickets) for tickets in self._waiting.values())

    def depths(self) -> dict[int | str | None, int]:
        """Return the number of waiting tickets per monitor."""
        return {monitor: len(tickets) for monitor, tickets in self._waiting.items()}

    def put(self, ticket: AnyTicket, *, again: bool = False) -> AnyTicket | None:
        """Queue a ticket; return the one that had to make room, if any.

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

    async def ready(self, ticket: AnyTicket) -> None:
        """Let a worker take the ticket."""
        async with self._changed:
            if ticket in self._waiting.get(ticket.turn, ()):
                self._ready.add(ticket)
                self._changed.notify_all()

    async def get(self, rank: int = 0) -> AnyTicket:
        """Wait for a ticket that is ready, of the monitor whose turn it is.

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
            ticket = next(
                candidate for candidate in self._waiting[monitor] if candidate in self._ready
            )
            self.remove(ticket)
            if monitor in self._waiting:
                self._waiting.move_to_end(monitor)
            return ticket

    def remove(self, ticket: AnyTicket) -> None:
        """Remove a ticket, if it waits."""
        tickets = self._waiting.get(ticket.turn, [])
        if ticket in tickets:
            tickets.remove(ticket)
        if not tickets:
            self._waiting.pop(ticket.turn, None)
        self._ready.discard(ticket)

    def drain(self) -> list[AnyTicket]:
        """Remove and return all tickets."""
        tickets = [ticket for waiting in self._waiting.values() for ticket in waiting]
        self._waiting.clear()
        self._ready.clear()
        return tickets
