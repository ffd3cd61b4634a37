"""Read plates on this machine, without an account and without a network connection."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import structs

from zmhook.detection import Box
from zmhook.detectors.alpr.ocr import PlateOcr
from zmhook.detectors.alpr.search import search
from zmhook.detectors.alpr.services.base import Plate, PlateServiceError, floor, surest
from zmhook.detectors.model_files import ModelFile, ModelFiles, labels_of
from zmhook.detectors.yolo.engines import engine_for
from zmhook.detectors.yolo.engines.base import threads
from zmhook.detectors.yolo.heads import only_head, readings, recognise
from zmhook.detectors.yolo.heads.end_to_end import BatchedEndToEndHead
from zmhook.detectors.yolo.letterbox import blob
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.deadline import Deadline
    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Candidates, Head
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
            read = (_plate(ocr, image, plate) for plate in self._finder.find(image))
            return surest((plate for plate in read if plate.text), self._floor)
        view = search(image, ocr.read, of_vehicle=of_vehicle)
        plate = view and Plate(view.reading.text, view.reading.confidence, view.box, {})
        return surest([plate], self._floor)

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
        return PlateFinder(self._settings)


def _plate(ocr: PlateOcr, image: Image, plate: PlateBox) -> Plate:
    """Read a plate that was found; its text may be empty."""
    boxes = [_widened(plate.box, share, image) for share in MARGINS]
    readings = ocr.read([image[box.y1 : box.y2, box.x1 : box.x2] for box in boxes])
    best = max(readings, key=lambda item: item.confidence)
    return Plate(best.text, best.confidence, plate.box, {"dscore": round(plate.confidence, 3)})


def _widened(box: Box, share: float, image: Image) -> Box:
    height, width = image.shape[:2]
    x, y = share * box.width, share * box.height
    return Box.clipped(box.x1 - x, box.y1 - y, box.x2 + x, box.y2 + y, width, height)


# -- where plates are, by a YOLO network that was trained to find them -----------------------------

FLOOR = 0.25
"""Confidence below which what the network saw is no plate; what cannot be read is dropped later."""
OVERLAP = 0.4
MOST = 8


class PlateBox(NamedTuple):
    """Where a plate is, in the picture's pixels, and how sure the network is of it (0..1)."""

    box: Box
    confidence: float


class PlateFinder:
    """One loaded network."""

    def __init__(self, settings: Settings) -> None:
        """Load `plate_detector`; raises `ModelFileError`, `MissingPart`, `DetectorError`."""
        weights = ModelFile("plate_detector", Path(settings.alpr.plate_detector), "alpr")
        files = ModelFiles(weights, None, None, "[alpr] plate_detector", head_key="")
        # The settings of [yolo] speak of that network's size; processor and threads hold here too.
        yolo = structs.replace(settings.yolo, yolo_input_size=0, yolo_precision="f32")
        self._engine = engine_for(weights, "onnxruntime")(files, yolo)
        self._network = self._engine.load()
        self._head, self._classes = _recognised(self._network, files)
        log.info("%s finds plates on %s", weights.path, self._engine.description)

    def find(self, image: npt.NDArray[np.uint8]) -> list[PlateBox]:
        """Return the plates of a BGR picture `(height, width, 3)`, the surest first."""
        network = self._network
        pixels, placement = blob(image, network.size, self._head.preprocessing, network.pixels)
        candidates = self._plates(self._head.candidates(self._engine.infer(pixels), FLOOR))
        is_final = self._head.suppressed
        candidates = candidates.strongest(MOST) if is_final else candidates.suppressed(OVERLAP)
        return [
            PlateBox(placement.to_picture(*box), min(score, 1.0))
            for box, score in zip(
                candidates.boxes.tolist(), candidates.scores.tolist(), strict=True
            )
        ][:MOST]

    def close(self) -> None:
        self._engine.close()

    def _plates(self, candidates: Candidates) -> Candidates:
        """Leave out what is no plate, and rows that are no numbers."""
        numbers = np.isfinite(candidates.boxes).all(axis=1) & np.isfinite(candidates.scores)
        if self._classes:
            numbers &= np.isin(candidates.classes, self._classes)
        return candidates.at(numbers)


def _recognised(network: Network, files: ModelFiles) -> tuple[Head, list[int]]:
    """Return the head, and the numbers of the classes that are plates (empty: all are).

    A network that does not say what its classes are called has only one.
    """
    if labels_of(None, network.metadata) is None:
        heads = readings(network, files)
        fitting = [head for head in heads if head.classes in (1, None)]
        # Networks for plates that give seven columns are YOLOv9's, whatever their output is called.
        usual = [head for head in fitting if head.key == BatchedEndToEndHead.key]
        if fitting:
            return usual[0] if usual else only_head(fitting, network, files), []
    head, labels = recognise(network, files)
    return head, [i for i, label in enumerate(labels) if "plate" in label.lower()]
