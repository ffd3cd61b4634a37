"""The `alpr` detector of the chain: number plates.

One of `services` reads: a program, a service that is asked, or `local` on this machine, which finds
plates with a network or by `search`, and reads them with `ocr`. `plates` knows which texts are
plates and whose.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.deadline import Deadline
from zmhook.detection import Detection
from zmhook.detectors.alpr.plates import Formats, Known, is_same_plate, is_same_vehicle, normalised
from zmhook.detectors.alpr.services.base import NAME, service_for
from zmhook.detectors.base import Detector
from zmhook.errors import DetectorError, ModelSkipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.detectors.alpr.services.base import Attributes, Plate, PlateService
    from zmhook.frame import Frame
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

RESERVE = 1.0
"""Seconds of an event that are left for giving its answer."""
ASKED_TIMES = 3
"""Outside of an event each picture has so many times `alpr_timeout`."""
_MOST_OTHERS = 3


class AlprDetector(Detector):
    """Reads number plates; what could not be read for a service's sake is in `problems`."""

    name = NAME
    new_only = True  # nobody pays to read again the car that stands there all day

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        alpr = settings.alpr
        labels = frozenset(alpr.alpr_pre_existing_labels)
        self.requires = labels if alpr.alpr_use_after_detection_only else frozenset[str]()
        crops = alpr.alpr_input == "crops"
        self.crop_to = self.requires if crops else frozenset[str]()
        self.max_crops = alpr.alpr_max_crops
        self.problems: list[DetectorError] = []
        self._service: PlateService | None = None
        self._known = Known(settings.plates, off_by_one=alpr.plate_off_by_one)
        self._formats = Formats(alpr.plate_formats)

    def load(self) -> None:
        """Make the service ready; raises `DetectorError`."""
        self._service = service_for(self.settings)
        self._service.load()
        log.info("%s", self.description)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return the plates in each frame, the surest first; raises `DetectorError`.

        When a service does not answer, it is not asked about the other frames.
        """
        self.problems = []
        plates_by_frame: list[list[Detection]] = []
        for i, frame in enumerate(frames):
            is_new = not self.problems and not is_same_vehicle(frame, frames[:i])
            plates = self._plates(frame) if is_new else []
            plates_by_frame.append(
                [
                    plate
                    for plate in plates
                    if not is_same_plate(plate, frame, frames, plates_by_frame)
                ]
            )
        return plates_by_frame

    @property
    def description(self) -> str:
        """Name the service, and what it runs on or may still be asked, once loaded."""
        return f"{NAME}: {self._service.description}" if self._service else NAME

    def close(self) -> None:
        service, self._service = self._service, None
        if service is not None:
            service.close()

    def _plates(self, frame: Frame) -> list[Detection]:
        if self._service is None:
            raise DetectorError("the alpr model is used before it is loaded")
        try:
            read = self._service.read(
                frame.image, self._deadline(frame), of_vehicle=bool(self.crop_to and frame.crop)
            )
        except ModelSkipped as error:
            self.problems.append(error)
            return []
        return list(self._detections(read))

    def _deadline(self, frame: Frame) -> Deadline:
        if frame.deadline is None:
            return Deadline(ASKED_TIMES * self.settings.alpr.alpr_timeout)
        return Deadline(max(0.0, frame.deadline.left() - RESERVE))

    def _detections(self, plates: Sequence[Plate]) -> Iterator[Detection]:
        for plate in plates:
            best = self._formats.best([(plate.text, plate.confidence), *plate.others])
            if best is None:
                log.info("alpr: %s has none of the forms in plate_formats", normalised(plate.text))
                continue
            yield self._detection(plate, *best)

    def _detection(self, plate: Plate, text: str, confidence: float) -> Detection:
        owner = self._known.owner(text)
        attributes: Attributes = {"plate": text, **plate.attributes}
        if others := _others(plate, text):
            attributes["candidates"] = others
        if owner is not None:
            attributes["known"] = "exactly" if owner.exact else "differs by one character"
        return Detection(
            label=owner.name if owner else text,
            confidence=round(confidence, 4),
            box=plate.box,
            model=NAME,
            kind="licenseplate",
            attributes=attributes,
        )


def _others(plate: Plate, text: str) -> str:
    """Return the other readings in one short line, such as `AB123 0.71, A8123 0.20`."""
    readings = {normalised(plate.text): plate.confidence}
    for other, confidence in plate.others:
        readings.setdefault(normalised(other), confidence)
    del readings[text]
    return ", ".join(f"{other} {sure:.2f}" for other, sure in list(readings.items())[:_MOST_OTHERS])
