"""Reading on this machine, without an account and without a network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.detection import Box
from zmhook.detectors.alpr.services.base import Plate, PlateServiceError, floor, surest
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline
    from zmhook.detectors.alpr.finder import PlateBox, PlateFinder
    from zmhook.detectors.alpr.ocr import PlateOcr
    from zmhook.settings import Settings

    Image = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)

MARGINS = (0.0, 0.08, 0.16)
"""Around a plate that was found: the network that reads likes some frame, and a plate that is seen
at an angle needs it. The surest of these is taken."""


class LocalService:
    """Finds plates with `plate_detector`, or without one by searching, and reads `plate_ocr`."""

    description = "local"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._floor = floor(settings.alpr.plate_min_confidence)
        self._ocr: PlateOcr | None = None
        self._finder: PlateFinder | None = None

    def load(self) -> None:
        from zmhook.detectors.alpr.ocr import PlateOcr
        from zmhook.detectors.model_file import ModelFile
        from zmhook.detectors.yolo.engines.base import threads

        alpr = self._settings.alpr
        if not alpr.plate_ocr:
            raise DetectorError("[alpr] plate_ocr is empty: name the ONNX file that reads plates")
        file = ModelFile("plate_ocr", Path(alpr.plate_ocr), "alpr")
        self._ocr = PlateOcr(file, threads(self._settings.yolo))
        self._finder = self._loaded_finder()
        method = Path(alpr.plate_detector).name if self._finder else "searching"
        self.description = f"local, {Path(alpr.plate_ocr).name}, plates found by {method}"

    def read(self, image: Image, deadline: Deadline, *, of_vehicle: bool) -> list[Plate]:
        """Return the plates, at most one of a vehicle where they are searched for."""
        ocr = self._ocr
        if ocr is None:
            raise DetectorError("the alpr model is used before it is loaded")
        if not deadline.left():
            raise PlateServiceError("no time left", "there was no time left to read plates")
        if self._finder is not None:
            read = (_plate(ocr, image, item) for item in self._finder.find(image))
            plates = [plate for plate in read if plate.text]
        else:
            plates = _searched(ocr, image, of_vehicle=of_vehicle)
        return surest(plates, self._floor)

    def close(self) -> None:
        self._ocr = None
        finder, self._finder = self._finder, None
        if finder is not None:
            finder.close()

    def _loaded_finder(self) -> PlateFinder | None:
        """Load the network that finds plates, when there is one: it is an extra."""
        name = self._settings.alpr.plate_detector
        if not name or not Path(name).exists():
            log.info("alpr: no plate_detector (%s): plates are searched for", name or "not set")
            return None
        from zmhook.detectors.alpr.finder import PlateFinder

        return PlateFinder(self._settings)


def _plate(ocr: PlateOcr, image: Image, plates: PlateBox) -> Plate:
    """Read a plate that was found; its text may be empty."""
    boxes = [_widened(plates.box, share, image) for share in MARGINS]
    readings = ocr.read([image[box.y1 : box.y2, box.x1 : box.x2] for box in boxes])
    best = max(readings, key=lambda item: item.confidence)
    return Plate(best.text, best.confidence, plates.box, {"dscore": round(plates.confidence, 3)})


def _searched(ocr: PlateOcr, image: Image, *, of_vehicle: bool) -> list[Plate]:
    from zmhook.detectors.alpr.search import search

    plates = search(image, ocr.read, of_vehicle=of_vehicle)
    if plates is None:
        return []
    return [Plate(plates.reading.text, plates.reading.confidence, plates.box, {})]


def _widened(box: Box, share: float, image: Image) -> Box:
    height, width = image.shape[:2]
    x, y = share * box.width, share * box.height
    return Box.clipped(box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y, width, height)
