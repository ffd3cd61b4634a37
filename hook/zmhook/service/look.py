"""A look for another machine, on its way through the service: models only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.service.wire import Look, Seen, View

if TYPE_CHECKING:
    from zmhook.service.wire import Message
    from zmhook.settings import Settings


class ServiceBusy(Exception):
    """Nothing was seen for want of time, room or a worker; the message is one line.

    `retry` says whether asking again soon may help.
    """

    def __init__(self, why: str, *, retry: bool) -> None:
        self.retry = retry
        super().__init__(why)


class Wanted(NamedTuple):
    """What another machine wants to know.

    `machine` is its address; `seconds` is how long it waits (0: it does not say); the rest is as
    in `wire.Look`.
    """

    machine: str
    models: Sequence[str]
    views: Sequence[View]
    floors: Mapping[str, float]
    seconds: float = 0.0
    most: int = 1000
    overlap: float = 1.0
    patterns: Mapping[str, str] = {}


class LookTicket:
    """What is wanted, the settings that it is seen by, and what will have been seen."""

    monitor_id = None

    def __init__(self, wanted: Wanted, settings: Settings, stamp: str) -> None:
        self.wanted = wanted
        self.settings = settings
        self.stamp = stamp
        self.asked = time.monotonic()
        self.tries = 0
        longest = settings.general.event_deadline
        self._seconds = min(wanted.seconds, longest) if wanted.seconds > 0 else longest
        self._result: asyncio.Future[Seen | ServiceBusy] = (
            asyncio.get_running_loop().create_future()
        )

    def __str__(self) -> str:
        count = len(self.wanted.views)
        return f"{count} picture{'s' * (count != 1)} for {self.wanted.machine}"

    @property
    def turn(self) -> str:
        return self.wanted.machine

    @property
    def is_open(self) -> bool:
        return not self._result.done()

    def left(self) -> float:
        return max(0.0, self.asked + self._seconds - time.monotonic())

    async def gather(self) -> None:
        """Everything is there."""

    def message(self, settings: dict[str, Any]) -> Message:
        """Return the look for a worker."""
        wanted = self.wanted
        return Look(
            models=list(wanted.models),
            settings=settings,
            stamp=self.stamp,
            seconds=self.left(),
            views=list(wanted.views),
            floors=dict(wanted.floors),
            most=wanted.most,
            overlap=wanted.overlap,
            patterns=dict(wanted.patterns),
        )

    def taken(self) -> None:
        """Need nothing more."""

    async def heard(self, message: Message) -> None:
        """Pass on what was seen."""
        if isinstance(message, Seen):
            self._give(message)

    def release(self) -> None:
        """Nothing is held."""

    def fail(self, why: str) -> None:
        self._give(ServiceBusy(why, retry=False))

    def reject(self, why: str) -> None:
        self._give(ServiceBusy(why, retry=True))

    def drop(self) -> None:
        """Nobody waits any more."""
        self._result.cancel()

    async def seen(self) -> Seen:
        """Wait for what is seen; raises `ServiceBusy`, at the deadline at the latest."""
        try:
            result = await asyncio.wait_for(asyncio.shield(self._result), self.left())
        except asyncio.TimeoutError:
            self.reject(f"nothing was seen within {self._seconds:.3g} s")
            result = self._result.result()
        if isinstance(result, ServiceBusy):
            raise result
        return result

    def _give(self, result: Seen | ServiceBusy) -> None:
        if self.is_open:
            self._result.set_result(result)
