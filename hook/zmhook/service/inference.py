"""Queue an inference request of another machine: models only, no gate and no report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import InferenceUnavailable
from zmhook.service.queue import Ticket
from zmhook.service.wire import InferJob, InferResult, InputImage

if TYPE_CHECKING:
    from zmhook.service.wire import Message
    from zmhook.settings import Settings


class InferTask(NamedTuple):
    """The request of another machine.

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
        task = self.task
        return InferJob(
            models=list(task.models),
            settings=settings,
            fingerprint=self.fingerprint,
            seconds=self.left(),
            images=list(task.images),
            min_confidence=dict(task.min_confidence),
            max_detections=task.max_detections,
            max_overlap=task.max_overlap,
            patterns=dict(task.patterns),
        )

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
