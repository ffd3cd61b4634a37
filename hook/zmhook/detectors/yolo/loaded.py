"""One network, loaded for one size of input: a picture in, detections out."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from zmhook.detection import Detection
from zmhook.detectors.yolo.engines import engine_for
from zmhook.detectors.yolo.heads import recognise
from zmhook.detectors.yolo.heads.base import MAX_KEPT, ROUNDING
from zmhook.detectors.yolo.letterbox import GREY, blob, placement_of
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.detectors.model_files import ModelFiles
    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Candidates, Head
    from zmhook.detectors.yolo.letterbox import Placement
    from zmhook.frame import Size
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

FLOOR = 0.1
"""Candidates below the minimum confidence but not below this are returned, for the gate to drop."""


class LoadedNetwork:
    """An engine, the head that reads it, and the labels."""

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        """Load the files; raises `ModelFileError`, `MissingPart`, `DetectorError`."""
        started = time.perf_counter()
        self._files = files
        self._overlap = settings.yolo_nms_threshold
        self._floor = min(FLOOR, settings.yolo_min_confidence)
        engine = engine_for(self._files.weights, settings.yolo_engine)
        self._engine = engine(self._files, settings)
        self._network = self._engine.load()
        self._head, self._labels = recognise(
            self._network, self._files, settings.yolo_head, self._empty
        )
        self._log_loaded(started)

    def detect(self, image: npt.NDArray[np.uint8], size: Size | None = None) -> list[Detection]:
        """Return the objects in a BGR picture `(height, width, 3)`, strongest first.

        Boxes are in the pixels of a picture of `size` (width, height), of which this is a reduced
        one; None: its own.
        """
        started = time.perf_counter()
        blob_in, placement = self._blob(image, self._head)
        ready = time.perf_counter()
        outputs = self._engine.infer(blob_in)
        answered = time.perf_counter()
        detections = self._read(outputs, placement.of_size(size) if size else placement)
        _log_times(started, ready, answered)
        return detections

    def least_size(self, size: Size, into: Size) -> Size | None:
        """Return half the size, where the input gets the same pixels of that; None elsewhere.

        `into` is the input's size before it was fitted: the scale is the same.
        """
        at = placement_of(size, into, self._head.preprocessing.fit)
        return (size[0] // 2, size[1] // 2) if at.is_same_of_half else None

    @property
    def network(self) -> Network:
        return self._network

    @property
    def is_padded(self) -> bool:
        """Whether pictures of other aspects are padded; to some networks they are stretched."""
        return self._head.preprocessing.fit != "stretch"

    @property
    def kind(self) -> str:
        """The kind of network, for people."""
        return self._head.name

    @property
    def runs_on(self) -> str:
        """The engine and the processor, for people."""
        return self._engine.description

    def close(self) -> None:
        self._engine.close()

    def _blob(
        self, image: npt.NDArray[np.uint8], head: Head
    ) -> tuple[npt.NDArray[np.float32 | np.uint8], Placement]:
        return blob(image, self._network.size, head.preprocessing, self._network.pixels)

    def _empty(self, head: Head) -> list[npt.NDArray[np.float32]]:
        """Return the outputs for a grey picture, prepared as for this head."""
        width, height = self._network.size
        return self._engine.infer(self._blob(np.full((height, width, 3), GREY, np.uint8), head)[0])

    def _read(
        self, outputs: list[npt.NDArray[np.float32]], placement: Placement
    ) -> list[Detection]:
        candidates = self._checked(self._head.candidates(outputs, self._floor))
        is_final = self._head.suppressed
        candidates = (
            candidates.strongest(MAX_KEPT) if is_final else candidates.suppressed(self._overlap)
        )
        return [
            Detection(
                label=self._labels[number],
                confidence=min(score, 1.0),
                box=placement.to_picture(*box),
                model="yolo",
            )
            for box, score, number in zip(
                candidates.boxes.tolist(),
                candidates.scores.tolist(),
                candidates.classes.tolist(),
                strict=True,
            )
        ]

    def _checked(self, candidates: Candidates) -> Candidates:
        """Drop rows that are no numbers; raise `ModelFileError` for what no YOLO can mean."""
        candidates = candidates.at(np.flatnonzero(np.isfinite(candidates.boxes).all(axis=1)))
        if not len(candidates.scores):
            return candidates
        if candidates.scores.max() > 1 + ROUNDING:
            raise ModelFileError(
                f"{self._files.weights} gives a score of {candidates.scores.max():.3g}, above 1: "
                "it is damaged, or was exported without its last step (sigmoid)"
            )
        if not 0 <= candidates.classes.min() <= candidates.classes.max() < len(self._labels):
            raise ModelFileError(
                f"{self._files.labels or self._files.weights}: {len(self._labels)} labels, but "
                f"the network speaks of class number {candidates.classes.max()}"
            )
        return candidates

    def _log_loaded(self, started: float) -> None:
        log.info(
            "%s is a %s network for %dx%d with %d labels on %s; loaded in %.0f ms",
            self._files.weights.path,
            self._head.name,
            *self._network.size,
            len(self._labels),
            self._engine.description,
            (time.perf_counter() - started) * 1000,
        )


def _log_times(started: float, ready: float, answered: float) -> None:
    log.debug(
        "prepared in %.1f ms, network %.1f ms, read in %.1f ms",
        (ready - started) * 1000,
        (answered - ready) * 1000,
        (time.perf_counter() - answered) * 1000,
    )
