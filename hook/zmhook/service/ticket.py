"""One event on its way through the service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.detection import Decision

if TYPE_CHECKING:
    from zmhook.event import Event
    from zmhook.service.fetch import Fetcher
    from zmhook.settings import Settings


class Ticket:
    """An event, the settings it is decided by, its pictures, and the decision to come."""

    def __init__(self, event: Event, settings: Settings, stamp: str, fetcher: Fetcher) -> None:
        self.event = event
        self.settings = settings
        self.stamp = stamp
        self.fetcher = fetcher
        self.asked = time.monotonic()
        self.tries = 0
        self._taken = 0.0
        self._held: Decision | None = None
        self._decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()

    def taken(self) -> None:
        """Note that a worker begins with the event now."""
        self._taken = time.monotonic()

    def timed(self, decision: Decision) -> Decision:
        """Return the decision with the times that the worker does not know, in ms.

        The first picture was fetched before it had the event; what is left until then is `queue`.
        """
        fetched = self.fetcher.first_took * 1000
        queued = (self._taken - self.asked) * 1000 - fetched if self._taken else 0.0
        more = {"fetch": fetched, "queue": max(0.0, queued)}
        more["total"] = sum(more.values())
        timings = dict(decision.timings)
        for stage, took in more.items():
            timings[stage] = round(timings.get(stage, 0.0) + took, 2)
        return structs.replace(decision, timings=timings)

    @property
    def monitor_id(self) -> int | None:
        return self.event.monitor_id

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for the decision."""
        return not self._decision.done()

    def left(self) -> float:
        """Return the seconds that the event may still take."""
        return max(0.0, self.asked + self.settings.general.event_deadline - time.monotonic())

    def decide(self, decision: Decision) -> None:
        """Give the decision; a second one is ignored."""
        if self.is_open:
            self._decision.set_result(decision)

    def hold(self, decision: Decision, seconds: float) -> None:
        """Give the decision at `release`, but in so many seconds at the latest."""
        self._held = decision
        asyncio.get_running_loop().call_later(seconds, self.release)

    def release(self) -> None:
        """Give the decision that is held, if one is."""
        if self._held:
            self.decide(self._held)

    def fail(self, why: str) -> None:
        self.decide(Decision.undecided(self.event, why))

    def drop(self) -> None:
        """Nobody waits any more."""
        self._decision.cancel()

    async def closed(self) -> None:
        """Wait until nobody waits for the decision any more."""
        await asyncio.wait([self._decision])

    async def decided(self) -> Decision:
        """Wait for the decision, at most until the deadline."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._decision), self.left())
        except asyncio.TimeoutError:
            self.release()
            seconds = self.settings.general.event_deadline
            self.fail(f"no decision after {seconds:g} s ([general] event_deadline)")
            return self._decision.result()
