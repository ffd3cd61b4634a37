"""What waits for a worker: events with their pictures, and requests of other machines.

Such a request needs models only: no gate and no report.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from msgspec import structs

from zmhook.deadline import answered
from zmhook.detection import Decision
from zmhook.errors import InferenceUnavailable
from zmhook.service.queue import Ticket
from zmhook.service.wire import (
    DecideJob,
    DecideResult,
    FrameData,
    FrameRequest,
    InferJob,
    InferResult,
    InferTask,
)

if TYPE_CHECKING:
    from zmhook.event import Event
    from zmhook.service.fetch import Fetcher
    from zmhook.service.wire import Message
    from zmhook.settings import Settings


REPORT_GRACE = 0.15
"""Seconds that an answer waits for its report, which usually takes 3 ms: whoever is notified of
the alarm finds objdetect.jpg then. A slow disk or portal delays no alarm longer than this."""


class EventTicket(Ticket[Decision]):
    """An event that waits for its decision."""

    def __init__(
        self, event: Event, settings: Settings, fingerprint: str, fetcher: Fetcher
    ) -> None:
        super().__init__(settings, fingerprint, answered(settings.general.event_deadline))
        self.event = event
        self.monitor_id = self.turn = event.monitor_id
        self.fetcher = fetcher
        self._taken = 0.0
        self._held: Decision | None = None

    def __str__(self) -> str:
        return str(self.event)

    async def prepare(self) -> None:
        """Fetch the first picture."""
        await self.fetcher.first()

    async def job(self, settings: dict[str, Any]) -> Message:
        """Return the job with the first picture, and fetch what it may need next."""
        first = await self.fetcher.first()
        self._taken = time.monotonic()
        if self.is_open:
            self.fetcher.begin_after(first.id)
        return DecideJob(self.event, settings, self.fingerprint, self.left(), first)

    async def receive(self, message: Message) -> Message | None:
        """Hold a worker's decision until it has written its report; reply with a picture."""
        if isinstance(message, DecideResult):
            self.lacks_resources |= message.lacks_resources or self.fetcher.lacks_resources
            self.hold(message.decision, REPORT_GRACE)
        if not isinstance(message, FrameRequest):
            return None
        picture = await self.fetcher.picture(message.id)
        self.fetcher.begin_after(picture.id)
        return FrameData(picture)

    async def close(self) -> None:
        await self.fetcher.close()

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

    def hold(self, decision: Decision, seconds: float) -> None:
        """Give the decision at `release`, but in so many seconds at the latest."""
        self._held = decision
        asyncio.get_running_loop().call_later(seconds, self.release)

    def release(self) -> None:
        """Give the decision that is held, if one is."""
        if self._held:
            self.give(self._held)

    def fail(self, why: str) -> None:
        self.give(Decision.undecided(self.event, why))

    def expire(self) -> None:
        """Give the decision that is held, or say that there is none in time."""
        self.release()
        seconds = self.settings.general.event_deadline
        self.fail(f"no decision after {seconds:g} s ([general] event_deadline)")


class InferTicket(Ticket["InferResult | InferenceUnavailable"]):
    """An inference task that waits for its result."""

    def __init__(self, task: InferTask, settings: Settings, fingerprint: str) -> None:
        longest = settings.general.event_deadline
        seconds = min(task.seconds, longest) if task.seconds > 0 else longest
        super().__init__(settings, fingerprint, seconds)
        self.task = task
        self.turn = task.client

    def __str__(self) -> str:
        count = len(self.task.images)
        return f"{count} picture{'s' * (count != 1)} for {self.task.client}"

    async def job(self, settings: dict[str, Any]) -> Message:
        return InferJob(self.task, settings, self.fingerprint, self.left())

    async def receive(self, message: Message) -> None:
        """Take the worker's result."""
        if isinstance(message, InferResult):
            self.give(message)

    def fail(self, why: str) -> None:
        self.give(InferenceUnavailable(why, retry=False))

    def reject(self, why: str) -> None:
        self.give(InferenceUnavailable(why, retry=True))

    def expire(self) -> None:
        self.reject(f"no result within {self.seconds:.3g} s")
