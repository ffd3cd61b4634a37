"""One event's requests to the servers: as few as possible."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.deadline import Deadline
from zmhook.errors import DetectorError, GatewayError
from zmhook.gateway.dialect import GatewayRequest, GatewayResult
from zmhook.gateway.encode import PortalImages, encode
from zmhook.gateway.gateways import Gateways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.frame import Frame
    from zmhook.gateway.dialect import ImageDetections
    from zmhook.gateway.encode import EncodedImage
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

RESERVE = 1.0
"""Seconds of an event that are kept for its answer."""
TIMEOUTS = 3
"""Outside of an event there are so many times `ml_timeout`."""
FLOOR = 0.1
"""Local networks give detections down to this too, for the gate to drop (`yolo.model.FLOOR`)."""


class RemoteSession:
    """What a chain's remote detectors share.

    `together` are models that run on every image whatever else is detected: the first of them that
    runs brings the results of all. Used by one thread at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self.together: tuple[str, ...] = ()
        self.gateways = Gateways(settings)
        self._settings = settings
        by_url = settings.remote.ml_gateway_mode == "url"
        self._portal_images = PortalImages(settings.general) if by_url else None
        self._min_confidence = {"yolo": min(FLOOR, settings.yolo.yolo_min_confidence)}
        self._frames: tuple[Frame, ...] = ()
        self._result = GatewayResult({}, {})
        self._is_prepared = False

    def prepare(self) -> None:
        """Recognise the servers, once; never raises."""
        if not self._is_prepared:
            self._is_prepared = True
            self.gateways.prepare()

    def infer(self, model: str, frames: Sequence[Frame], *, crops: bool) -> ImageDetections:
        """Return the model's detections in the frames, boxes in their pixels.

        `crops` says that they are cut out of others. Raises `DetectorError`.
        """
        if not frames:
            return []
        if not self._has(model, frames):
            self._request(model, frames, crops=crops)
        results, errors, _ = self._result
        detections, error = results.pop(model, None), errors.pop(model, "")
        if not results and not errors:
            self._forget()
        if detections is None:
            raise DetectorError(error)
        return detections

    def close(self) -> None:
        self._forget()
        self.gateways.close()
        if self._portal_images is not None:
            self._portal_images.close()

    def _has(self, model: str, frames: Sequence[Frame]) -> bool:
        """Return whether the last result has this model's part, for the very same frames."""
        return (
            (model in self._result.results or model in self._result.errors)
            and len(frames) == len(self._frames)
            and all(a.image is b.image for a, b in zip(frames, self._frames, strict=True))
        )

    def _request(self, model: str, frames: Sequence[Frame], *, crops: bool) -> None:
        self._forget()
        models = self.together if model in self.together else (model,)
        deadline = self._deadline(frames[0])
        images = [self._image(frame, deadline, crops=crops) for frame in frames]
        request = GatewayRequest(models, images, self._min_confidence, deadline)
        try:
            self._result = self.gateways.infer(request)
        except GatewayError as error:  # a server cannot fetch an image from its URL
            log.warning("%s; the images are sent instead of their URLs", error)
            images = [encode(frame, crop_label=_label(frame, crops=crops)) for frame in frames]
            self._result = self.gateways.infer(request._replace(images=images))
        self._frames = tuple(frames) if len(models) > 1 else ()

    def _image(self, frame: Frame, deadline: Deadline, *, crops: bool) -> EncodedImage:
        by_url = None
        if self._portal_images is not None and not crops:
            by_url = self._portal_images.image(frame, deadline)
        return by_url or encode(frame, crop_label=_label(frame, crops=crops))

    def _deadline(self, frame: Frame) -> Deadline:
        if frame.deadline is None:
            return Deadline(TIMEOUTS * self._settings.remote.ml_timeout)
        return Deadline(max(0.0, frame.deadline.left() - RESERVE))

    def _forget(self) -> None:
        """Drop the last event's frames and result."""
        self._frames, self._result = (), GatewayResult({}, {})


def _label(frame: Frame, *, crops: bool) -> str:
    """Return the label of what was cut out."""
    return frame.crop.source.label if crops and frame.crop and frame.crop.source else ""
