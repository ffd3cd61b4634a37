"""A model on another machine, as the chain sees it, and one event's requests for all of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.detectors.alpr.plates import Formats, Known, is_same_plate, is_same_vehicle, normalised
from zmhook.detectors.base import REMOTE, Detector
from zmhook.errors import DetectorError, GatewayError
from zmhook.gateway.dialect import GatewayRequest, GatewayResult
from zmhook.gateway.encode import PortalImages, encode
from zmhook.gateway.gateways import Gateways

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame, Size
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


class RemoteDetector(Detector):
    """Replaces `local` in the chain, under the same conditions.

    With `ml_fallback_local` the local model runs if no server answers, and is loaded only then.
    """

    def __init__(self, local: Detector, settings: Settings, session: RemoteSession) -> None:
        super().__init__(settings)
        self.name = local.name
        self.requires = local.requires
        self.crop_to = local.crop_to
        self.new_only = local.new_only
        self.max_crops = local.max_crops
        self.problems: list[DetectorError] = []
        self._local = local
        self._is_local_loaded = False
        self._falls_back = settings.remote.ml_fallback_local
        self._session = session
        self._plates: RemotePlates | None = None
        if self.name == "alpr":
            self._plates = RemotePlates(settings)

    def load(self) -> None:
        """Recognise the servers. One that is not there yet is recognised when it is asked."""
        self._session.prepare()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return what is in each frame; raises `DetectorError`."""
        self.problems = []
        try:
            return self._remotely(frames)
        except DetectorError as error:
            if not self._falls_back:
                raise
            log.warning("%s: %s; running it on this machine instead", self.name, error)
        return self._locally(frames)

    def least_size(self, size: Size) -> Size | None:  # noqa: ARG002 - of all sizes
        """Return the smallest size: a file that can be decoded is sent as it is."""
        return (1, 1) if self.settings.general.reduced_decoding else None

    @property
    def description(self) -> str:
        """Name the model and the servers that run it."""
        servers = ", ".join(gateway.address for gateway in self._session.gateways.all)
        here = self._local.description if self._is_local_loaded else ""
        return f"{self.name}: on {servers}{here and f', or {here}'}"

    def close(self) -> None:
        self._session.close()
        if self._is_local_loaded:
            self._is_local_loaded = False
            self._local.close()

    def _remotely(self, frames: Sequence[Frame]) -> ImageDetections:
        if self._plates is not None:
            return self._plates.read(frames, self._infer)
        return self._infer(frames)

    def _infer(self, frames: Sequence[Frame]) -> ImageDetections:
        return self._session.infer(self.name, frames, crops=bool(self.crop_to))

    def _locally(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        if not self._is_local_loaded:
            self._local.load()
            self._is_local_loaded = True
        detections = self._local.detect(frames)
        self.problems += self._local.problems
        return detections


def with_remote(detectors: Sequence[Detector], settings: Settings) -> list[Detector]:
    """Return the detectors, with remote ones in place of those that other machines run."""
    session = RemoteSession(settings)
    chain: list[Detector] = [
        RemoteDetector(each, settings, session) if each.name in REMOTE else each
        for each in detectors
    ]
    if settings.general.detection_mode != "first":
        session.together = tuple(
            each.name
            for each in chain
            if isinstance(each, RemoteDetector) and not each.requires and not each.crop_to
        )
    return chain


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
            and all(a.pixels is b.pixels for a, b in zip(frames, self._frames, strict=True))
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


class RemotePlates:
    """Does to plates from another machine what the local reader does to its own."""

    def __init__(self, settings: Settings) -> None:
        alpr = settings.alpr
        self._known = Known(settings.plates, off_by_one=alpr.plate_off_by_one)
        self._formats = Formats(alpr.plate_formats)

    def read(
        self, frames: Sequence[Frame], infer: Callable[[Sequence[Frame]], ImageDetections]
    ) -> ImageDetections:
        """Return the plates in each frame; a vehicle that was detected twice is sent once."""
        new = [i for i, frame in enumerate(frames) if not is_same_vehicle(frame, frames[:i])]
        read = dict(zip(new, infer([frames[i] for i in new]), strict=True))
        plates: ImageDetections = []
        for i, frame in enumerate(frames):
            named = [self._named(plate) for plate in read.get(i, []) if self._fits(plate)]
            plates.append(
                [plate for plate in named if not is_same_plate(plate, frame, frames, plates)]
            )
        return plates

    def _fits(self, plate: Detection) -> bool:
        text = _text(plate)
        if text and self._formats.fits(text):
            return True
        log.info("alpr: %s has none of the forms in plate_formats", text)
        return False

    def _named(self, plate: Detection) -> Detection:
        """Return the plate with its owner's name; one that is unknown here keeps its label."""
        owner = self._known.owner(_text(plate))
        attributes = {**plate.attributes, "plate": _text(plate)}
        if owner is None:
            return structs.replace(plate, attributes=attributes)
        attributes["known"] = "exactly" if owner.exact else "differs by one character"
        return structs.replace(plate, label=owner.name, attributes=attributes)


def _text(plate: Detection) -> str:
    return normalised(str(plate.attributes.get("plate", plate.label)))
