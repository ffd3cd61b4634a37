"""What a gateway is asked, and what it answers, whichever way it speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zmhook.deadline import Deadline
from zmhook.detection import Detection
from zmhook.gateway.shot import Shot

Found = list[list[Detection]]
"""What one model found: a list for each picture, boxes in the frame's pixels."""


class Question(NamedTuple):
    """Models, pictures, and the least confidence that each model's local twin would tell of."""

    models: Sequence[str]
    shots: Sequence[Shot]
    least: Mapping[str, float]
    deadline: Deadline

    def of(self, models: Sequence[str], deadline: Deadline) -> Question:
        return self._replace(models=models, deadline=deadline)


class Answer(NamedTuple):
    """Per model what it found, or why it found nothing out; `busy` as in `protocol.Status`."""

    results: dict[str, Found]
    errors: dict[str, str]
    busy: float | None = None


class Health(NamedTuple):
    """How a gateway is; None where it does not say.

    `speaks` names its kind and version for people.
    """

    speaks: str
    models: list[str] | None = None
    busy: float | None = None
