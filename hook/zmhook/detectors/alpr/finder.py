"""Where plates are, by a YOLO network that was trained to find them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import structs

from zmhook.detection import Box
from zmhook.detectors.model_file import ModelFile
from zmhook.detectors.yolo import files as names
from zmhook.detectors.yolo.engines import engine_for
from zmhook.detectors.yolo.files import ModelFiles
from zmhook.detectors.yolo.heads import only_head, readings, recognise
from zmhook.detectors.yolo.heads.end_to_end import BatchedEndToEndHead
from zmhook.detectors.yolo.letterbox import blob

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Candidates, Head
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

FLOOR = 0.25
"""Confidence below which what the network saw is no plate; what cannot be read is dropped later."""
OVERLAP = 0.4
MOST = 8
KEY = "plate_detector"
WORD = "plate"


class PlateBox(NamedTuple):
    """Where a plate is, in the picture's pixels, and how sure the network is of it (0..1)."""

    box: Box
    confidence: float


class PlateFinder:
    """One loaded network."""

    def __init__(self, settings: Settings) -> None:
        """Load `plate_detector`; raises `ModelFileError`, `MissingPart`, `DetectorError`."""
        weights = ModelFile(KEY, Path(settings.alpr.plate_detector), "alpr")
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
    if names.labels_of(None, network.metadata) is None:
        heads = readings(network, files)
        fitting = [head for head in heads if head.classes in (1, None)]
        # Networks for plates that give seven columns are YOLOv9's, whatever their output is called.
        usual = [head for head in fitting if head.key == BatchedEndToEndHead.key]
        if fitting:
            return usual[0] if usual else only_head(fitting, network, files), []
    head, labels = recognise(network, files)
    return head, [i for i, label in enumerate(labels) if WORD in label.lower()]
