"""One event's questions to the gateways: as few as can be."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.deadline import Deadline
from zmhook.errors import DetectorError, GatewayError
from zmhook.gateway.gateways import Gateways
from zmhook.gateway.question import Answer, Question
from zmhook.gateway.shot import shot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.frame import Frame
    from zmhook.gateway.question import Found
    from zmhook.gateway.shot import Shot
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

RESERVE = 1.0
"""Seconds of an event that are left for giving its answer."""
ASKED_TIMES = 3
"""Outside of an event there are so many times `ml_timeout`."""
FLOOR = 0.1
"""What local networks tell of, too, for the gate to drop (`yolo.model.FLOOR`)."""


class RemoteSession:
    """What a chain's remote detectors share.

    `together` are models that look at every picture whatever else is found: the first of them that
    is asked brings the answers of all. Used by one thread at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self.together: tuple[str, ...] = ()
        self.gateways = Gateways(settings)
        self._settings = settings
        self._addresses = None
        if settings.remote.ml_gateway_mode == "url":
            from zmhook.gateway.addresses import Addresses

            self._addresses = Addresses(settings.general)
        self._least = {"yolo": min(FLOOR, settings.yolo.yolo_min_confidence)}
        self._seen: tuple[Frame, ...] = ()
        self._answer = Answer({}, {})
        self._is_prepared = False

    def prepare(self) -> None:
        """Get to know the gateways, once; never raises."""
        if not self._is_prepared:
            self._is_prepared = True
            self.gateways.prepare()

    def look(self, model: str, frames: Sequence[Frame], *, crops: bool) -> Found:
        """Return what the model sees in the frames, boxes in their pixels.

        `crops` says that they are cut out of others. Raises `DetectorError`.
        """
        if not frames:
            return []
        if not self._has(model, frames):
            self._ask(model, frames, crops=crops)
        found, error = self._answer.results.pop(model, None), self._answer.errors.pop(model, "")
        if not self._answer.results and not self._answer.errors:
            self._forget()
        if found is None:
            raise DetectorError(error)
        return found

    def close(self) -> None:
        self._forget()
        self.gateways.close()
        if self._addresses is not None:
            self._addresses.close()

    def _has(self, model: str, frames: Sequence[Frame]) -> bool:
        """Say whether the last answer has this model's part, about the very same pictures."""
        is_told = model in self._answer.results or model in self._answer.errors
        return (
            is_told
            and len(frames) == len(self._seen)
            and all(one.image is other.image for one, other in zip(frames, self._seen, strict=True))
        )

    def _ask(self, model: str, frames: Sequence[Frame], *, crops: bool) -> None:
        self._forget()
        models = self.together if model in self.together else (model,)
        deadline = self._deadline(frames[0])
        shots = [self._shot(frame, deadline, crops=crops) for frame in frames]
        question = Question(models, shots, self._least, deadline)
        try:
            answer = self.gateways.ask(question)
        except GatewayError as error:  # a server cannot fetch a picture by its address
            log.warning("%s; the pictures are sent in place of their addresses", error)
            pictures = [shot(frame, of=_of(frame, crops=crops)) for frame in frames]
            answer = self.gateways.ask(question._replace(shots=pictures))
        self._answer = answer
        self._seen = tuple(frames) if len(models) > 1 else ()

    def _shot(self, frame: Frame, deadline: Deadline, *, crops: bool) -> Shot:
        by_address = None
        if self._addresses is not None and not crops:
            by_address = self._addresses.shot(frame, deadline)
        return by_address or shot(frame, of=_of(frame, crops=crops))

    def _deadline(self, frame: Frame) -> Deadline:
        if frame.deadline is None:
            return Deadline(ASKED_TIMES * self._settings.remote.ml_timeout)
        return Deadline(max(0.0, frame.deadline.left() - RESERVE))

    def _forget(self) -> None:
        """Let go of the last event's pictures."""
        self._seen, self._answer = (), Answer({}, {})


def _of(frame: Frame, *, crops: bool) -> str:
    """Return the label of what was cut out."""
    return frame.crop.source.label if crops and frame.crop and frame.crop.source else ""
