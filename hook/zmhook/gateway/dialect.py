"""What all dialects have in common: the request, the result, and how a server is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from zmhook.deadline import Deadline
from zmhook.detection import Detection
from zmhook.gateway.encode import EncodedImage

if TYPE_CHECKING:
    from zmhook.gateway.endpoint import Endpoint

ImageDetections = list[list[Detection]]
"""One model's detections: a list for each image, boxes in the frame's pixels."""


class GatewayRequest(NamedTuple):
    """Models, images, and the least confidence that each model would give here."""

    models: Sequence[str]
    images: Sequence[EncodedImage]
    min_confidence: Mapping[str, float]
    deadline: Deadline

    def narrowed(self, models: Sequence[str], deadline: Deadline) -> GatewayRequest:
        return self._replace(models=models, deadline=deadline)


class GatewayResult(NamedTuple):
    """Each model's detections, or why it has none; `busy` as in `protocol.ServerStatus`."""

    results: dict[str, ImageDetections]
    errors: dict[str, str]
    busy: float | None = None


class GatewayStatus(NamedTuple):
    """How a server is doing; None where it does not say.

    `speaks` names its kind and version for people.
    """

    speaks: str
    models: list[str] | None = None
    busy: float | None = None


class Dialect(Protocol):
    """Asks one kind of server. Both methods raise `GatewayError`."""

    def status(self, endpoint: Endpoint, deadline: Deadline) -> GatewayStatus | None:
        """Return how the server is doing, None when it does not speak this dialect."""

    def infer(self, endpoint: Endpoint, request: GatewayRequest) -> GatewayResult:
        """Return the models' detections, or an error for each model."""
