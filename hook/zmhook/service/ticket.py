"""What waits for a worker: an event, or an inference request of another machine."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from zmhook.deadline import answered
from zmhook.detection import Decision
from zmhook.service.wire import Answer, DecideEvent, FrameData, FrameRequest

if TYPE_CHECKING:
    from zmhook.event import Event
    from zmhook.service.fetch import Fetcher
    from zmhook.service.wire import Message, Picture
    from zmhook.settings import Settings

REPORT_GRACE = 0.15
"""Seconds that an answer waits for its report, which usually takes 3 ms: whoever is told of the
alarm finds objdetect.jpg then. A slow disk or portal delays no alarm longer than this."""


class Waiting(Protocol):
    """What the queue holds and a slot gives to its worker."""

    settings: Settings
    tries: int

    @property
    def monitor_id(self) -> int | None:
        """Whose log a worker's lines go to."""

    @property
    def turn(self) -> int | str | None:
        """With whom it takes turns: those of one monitor, or of one other machine."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for it."""

    def left(self) -> float:
        """Return the seconds that it may still take."""

    async def gather(self) -> None:
        """Wait until there is something to give to a worker."""

    def message(self, settings: dict[str, Any]) -> Message:
        """Return what a worker is told, by these settings (plain)."""

    def taken(self) -> None:
        """Note that a worker has begun."""

    async def heard(self, message: Message) -> Message | None:
        """Take what the worker says; return what it is to be told."""

    def release(self) -> None:
        """Note that the worker is done."""

    def fail(self, why: str) -> None:
        """Let whoever waits know that nothing will come."""

    def reject(self, why: str) -> None:
        """Let them know that it is not to be here and now, though nothing is wrong with it."""


class Ticket:
    """An event, the settings it is decided by, its pictures, and the decision to come."""

    def __init__(self, event: Event, settings: Settings, stamp: str, fetcher: Fetcher) -> None:
        self.event = event
        self.settings = settings
        self.stamp = stamp
        self.fetcher = fetcher
        self.asked = time.monotonic()
        self.tries = 0
        self._first: Picture | None = None
        self._taken = 0.0
        self._held: Decision | None = None
        self._decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()

    def __str__(self) -> str:
        return str(self.event)

    async def gather(self) -> None:
        """Wait for the first picture."""
        self._first = await self.fetcher.first()

    def message(self, settings: dict[str, Any]) -> Message:
        """Return the job for a worker; only after `gather`."""
        if self._first is None:
            raise RuntimeError("the first picture was not waited for")
        return DecideEvent(self.event, settings, self.stamp, self.left(), self._first)

    def taken(self) -> None:
        """Note that a worker begins with the event now, and fetch what it may need next."""
        self._taken = time.monotonic()
        if self._first:
            self.fetcher.begin_after(self._first.id)

    async def heard(self, message: Message) -> Message | None:
        """Keep a worker's answer; return the picture that it needs."""
        if isinstance(message, Answer):
            self.hold(message.decision, REPORT_GRACE)
        if not isinstance(message, FrameRequest):
            return None
        picture = await self.fetcher.picture(message.id)
        self.fetcher.begin_after(picture.id)
        return FrameData(picture)

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
    def turn(self) -> int | None:
        return self.event.monitor_id

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for the decision."""
        return not self._decision.done()

    def left(self) -> float:
        """Return the seconds that the event may still take."""
        end = self.asked + answered(self.settings.general.event_deadline)
        return max(0.0, end - time.monotonic())

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

    def reject(self, why: str) -> None:
        self.fail(why)

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
