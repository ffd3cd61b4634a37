"""dlib's face finders: the frontal one (HOG) and the convolutional one (max-margin)."""

from __future__ import annotations

import logging
import math
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from zmhook.detectors.face.dlib_parts import CNN, load_dlib, load_model, native
from zmhook.detectors.face.finders import FaceBox, factor, scaled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.finders import Scaled
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

    def find(self, image: npt.NDArray[np.uint8]) -> list[FaceBox]:
        height, width = image.shape[:2]
        small = scaled(image, factor(width, height, self._max_side, self._upsample, MAX_PIXELS))
        if small.too_small:
            return []
        rgb = cv2.cvtColor(small.image, cv2.COLOR_BGR2RGB)
        with native("finding faces with hog"):
            rectangles, scores, _ = self._detector.run(rgb, 0, 0.0)
        return [
            face_box(rectangle, score, small)
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
    try:
        if not path.is_file():
            return None
        detector = dlib.fhog_object_detector(str(path))
    except PermissionError:  # the folder is another account's
        return None
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


def face_box(rectangle: Any, score: float, scaled: Scaled) -> FaceBox:
    """Turn a dlib rectangle in the searched picture into a `FaceBox` in the original."""
    left, top = float(rectangle.left()), float(rectangle.top())
    right, bottom = float(rectangle.right()) + 1, float(rectangle.bottom()) + 1
    square = left / scaled.x, top / scaled.y, (right - left) / scaled.x
    return FaceBox(scaled.box(left, top, right, bottom), square, score, certainty(score))


def certainty(score: float) -> float:
    """Map the distance from dlib's decision boundary to 0..1.

    The score is 0 at the boundary and mostly 1 to 2 for a clear frontal face; the logistic
    function makes that 0.5 and 0.88 to 0.98.
    """
    return 1 / (1 + math.exp(-2 * score))


CNN_MAX_PIXELS = 720_000
"""1131x636. The network takes 0.95 GB (and 6 s on one CPU core) for each megapixel."""


class CnnFinder:
    """Finds faces at more angles than hog; the time and memory it takes grow with the pixels."""

    def __init__(self, face: Face) -> None:
        self._max_side = face.face_max_size
        self._upsample = face.face_upsample_times
        self._detector = load_model(load_dlib().cnn_face_detection_model_v1, CNN)

    def find(self, image: npt.NDArray[np.uint8]) -> list[FaceBox]:
        height, width = image.shape[:2]
        small = scaled(image, factor(width, height, self._max_side, self._upsample, CNN_MAX_PIXELS))
        if small.too_small:
            return []
        rgb = cv2.cvtColor(small.image, cv2.COLOR_BGR2RGB)
        with native("finding faces with cnn"):
            matches = self._detector(rgb, 0)
        faces = [face_box(match.rect, float(match.confidence), small) for match in matches]
        return sorted(faces, key=lambda face: face.score, reverse=True)
