"""dlib's frontal face detector: HOG features and a linear classifier."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from zmhook.detectors.face.dlib_parts import load_dlib, native
from zmhook.detectors.face.finders import dlib_box
from zmhook.detectors.face.finders.scale import factor, scaled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.finders import Found
    from zmhook.settings import Face

MAX_PIXELS = 16_000_000
"""Searching that many takes 1.1 s and 80 MB on one core; reached by upsampling only."""
SUBDETECTORS = 5

log = logging.getLogger(__name__)


class HogFinder:
    """Finds faces from 80 pixels on, half of that for each time of upsampling."""

    def __init__(self, face: Face, cache: str = "") -> None:
        self._max_side = face.face_max_size
        self._upsample = face.face_upsample_times
        self._detector = _detector(load_dlib(), cache)

    def find(self, image: npt.NDArray[np.uint8]) -> list[Found]:
        height, width = image.shape[:2]
        small = scaled(image, factor(width, height, self._max_side, self._upsample, MAX_PIXELS))
        if small.too_small:
            return []
        rgb = cv2.cvtColor(small.image, cv2.COLOR_BGR2RGB)
        with native("finding faces with hog"):
            rectangles, scores, _ = self._detector.run(rgb, 0, 0.0)
        return [
            dlib_box.found(rectangle, score, small)
            for rectangle, score in zip(rectangles, scores, strict=True)
        ]


def _detector(dlib: Any, cache: str) -> Any:
    """Make dlib's detector, from the copy in `cache` when there is one.

    Unpacking the detector that is compiled into dlib takes 0.2 s, which a process per event
    would pay each time; reading the same thing from a file takes 1 ms.
    """
    if not cache:
        return dlib.get_frontal_face_detector()
    path = Path(cache, f"frontal-face-dlib-{dlib.__version__}.svm")
    kept = _read(dlib, path)
    if kept is not None:
        return kept
    detector = dlib.get_frontal_face_detector()
    _keep(detector, path)
    return detector


def _read(dlib: Any, path: Path) -> Any | None:
    if not path.is_file():
        return None
    try:
        detector = dlib.fhog_object_detector(str(path))
    except RuntimeError as error:
        log.info("%s is damaged and is made again: %s", path, error)
        return None
    return detector if detector.num_detectors == SUBDETECTORS else None


def _keep(detector: Any, path: Path) -> None:
    """Save for the next process; that it cannot be is no reason to complain."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        detector.save(str(temporary))
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        log.debug("%s is not kept: %s", path, error)
        with suppress(OSError):
            temporary.unlink()
