"""YuNet, through OpenCV's FaceDetectorYN."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from zmhook.detectors.face.finders import FaceBox, factor, scaled
from zmhook.errors import DetectorError, ModelFileError
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zmhook.detectors.face.finders import Scaled
    from zmhook.settings import Face

MAX_PIXELS = 6_000_000
"""The network takes 70 MB for each megapixel."""
NMS_THRESHOLD = 0.3
TOP_K = 500
SIDE, DOWN = 0.82, 0.05
"""dlib's square from YuNet's taller box, in box heights: its side, and how far its centre is
below the box's. From the portraits in which hog and YuNet both find the face."""


class YunetFinder:
    """Finds faces from about 10 pixels on, so that no upsampling is needed."""

    def __init__(self, face: Face) -> None:
        self._max_side = face.face_max_size
        self._detector = _detector(face.face_yunet_model, face.face_min_confidence)

    def find(self, image: npt.NDArray[np.uint8]) -> list[FaceBox]:
        height, width = image.shape[:2]
        small = scaled(image, factor(width, height, self._max_side, 0, MAX_PIXELS))
        if small.too_small:
            return []
        try:
            rows = _rows(self._detector, small.image)
        except cv2.error as error:
            raise DetectorError(
                f"face: finding faces with yunet failed: {one_line(error.err or error)}"
            ) from None
        faces = [_face_box(row, small) for row in rows]
        return sorted(faces, key=lambda face: face.score, reverse=True)


def _detector(path: str, least: float) -> Any:
    if not Path(path).is_file():
        raise ModelFileError(
            f"[face] face_yunet_model: there is no file {path}: "
            "fetch it with 'zmhook models get yunet', or set where it is"
        )
    try:
        detector = cv2.FaceDetectorYN.create(path, "", (320, 320), least, NMS_THRESHOLD, TOP_K)
        # Another network is noticed only when it is run.
        _rows(detector, np.zeros((32, 32, 3), np.uint8))
    except cv2.error as error:
        why = one_line(error.err or error)
        raise ModelFileError(
            f"[face] face_yunet_model: {path} is not a YuNet file ({why}): "
            "fetch it with 'zmhook models get yunet'"
        ) from None
    return detector


def _rows(detector: Any, image: npt.NDArray[np.uint8]) -> list[Sequence[Any]]:
    detector.setInputSize((image.shape[1], image.shape[0]))
    rows = detector.detect(image)[1]
    # Where next to nothing is asked for (face_min_confidence = 0), sizes can overflow.
    return [] if rows is None else [row for row in rows if np.isfinite(row).all()]


def _face_box(row: Sequence[Any], small: Scaled) -> FaceBox:
    """One row is x, y, width, height, five landmarks as x, y, and the score."""
    x, y, width, height = (float(value) for value in row[:4])
    score = float(row[-1])
    side = SIDE * height
    left, top = x + (width - side) / 2, y + (height - side) / 2 + DOWN * height
    square = left / small.x, top / small.y, side / small.y
    return FaceBox(small.box(x, y, x + width, y + height), square, score, score)
