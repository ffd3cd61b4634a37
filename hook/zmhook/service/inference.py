"""An inference request of another machine, on its way through the service: models only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import InferenceUnavailable
from zmhook.service.wire import InferJob, InferResult, InputImage

if TYPE_CHECKING:
    from zmhook.service.wire import Message
    from zmhook.settings import Settings


class InferTask(NamedTuple):
    """What another machine asks for.

    `client` is its address; `seconds` is how long it waits (0: it does not say); the rest is as
    in `wire.InferJob`.
    """

    client: str
    models: Sequence[str]
    images: Sequence[InputImage]
    min_confidence: Mapping[str, float]
    seconds: float = 0.0
    max_detections: int = 1000
    max_overlap: float = 1.0
    patterns: Mapping[str, str] = {}


class InferTicket:
    """A task in the queue, the settings that it runs with, and the result to come."""

    monitor_id = None

    def __init__(self, task: InferTask, settings: Settings, stamp: str) -> None:
        self.task = task
        self.settings = settings
        self.stamp = stamp
        self.asked = time.monotonic()
        self.tries = 0
        longest = settings.general.event_deadline
        self._seconds = min(task.seconds, longest) if task.seconds > 0 else longest
        self._result: asyncio.Future[InferResult | InferenceUnavailable] = (
            asyncio.get_running_loop().create_future()
        )

    def __str__(self) -> str:
        count = len(self.task.images)
        return f"{count} picture{'s' * (count != 1)} for {self.task.client}"

    @property
    def turn(self) -> str:
        return self.task.client

    @property
    def is_open(self) -> bool:
        return not self._result.done()

    def left(self) -> float:
        return max(0.0, self.asked + self._seconds - time.monotonic())

    async def gather(self) -> None:
        """Have nothing to wait for: the images are here."""

    def message(self, settings: dict[str, Any]) -> Message:
        """Return the job for a worker."""
        task = self.task
        return InferJob(
            models=list(task.models),
            settings=settings,
            stamp=self.stamp,
            seconds=self.left(),
            images=list(task.images),
            min_confidence=dict(task.min_confidence),
            max_detections=task.max_detections,
            max_overlap=task.max_overlap,
            patterns=dict(task.patterns),
        )

    def taken(self) -> None:
        """Need nothing more."""

    async def heard(self, message: Message) -> None:
        """Take the worker's result."""
        if isinstance(message, InferResult):
            self._set(message)

    def release(self) -> None:
        """Hold nothing."""

    def fail(self, why: str) -> None:
        self._set(InferenceUnavailable(why, retry=False))

    def reject(self, why: str) -> None:
        self._set(InferenceUnavailable(why, retry=True))

    def drop(self) -> None:
        """Forget the result: nobody waits for it any more."""
        self._result.cancel()

    async def result(self) -> InferResult:
        """Wait for the result; raises `InferenceUnavailable`, at the deadline at the latest."""
        try:
            result = await asyncio.wait_for(asyncio.shield(self._result), self.left())
        except asyncio.TimeoutError:
            self.reject(f"no result within {self._seconds:.3g} s")
            result = self._result.result()
        if isinstance(result, InferenceUnavailable):
            raise result
        return result

    def _set(self, result: InferResult | InferenceUnavailable) -> None:
        if self.is_open:
            self._result.set_result(result)
