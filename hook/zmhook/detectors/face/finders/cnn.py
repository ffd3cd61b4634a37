"""dlib's convolutional face detector (max-margin object detection)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from zmhook.detectors.face.dlib_parts import CNN, load_dlib, load_model, native
from zmhook.detectors.face.finders import dlib_box
from zmhook.detectors.face.finders.scale import factor, scaled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.finders import Found
    from zmhook.settings import Face

MAX_PIXELS = 720_000
"""1131x636. The network takes 0.95 GB (and 6 s on one CPU core) for each megapixel."""


class CnnFinder:
    """Finds faces at more angles than hog; the time and memory it takes grow with the pixels."""

    def __init__(self, face: Face) -> None:
        self._max_side = face.face_max_size
        self._upsample = face.face_upsample_times
        self._detector = load_model(load_dlib().cnn_face_detection_model_v1, CNN)

    def find(self, image: npt.NDArray[np.uint8]) -> list[Found]:
        height, width = image.shape[:2]
        small = scaled(image, factor(width, height, self._max_side, self._upsample, MAX_PIXELS))
        if small.too_small:
            return []
        rgb = cv2.cvtColor(small.image, cv2.COLOR_BGR2RGB)
        with native("finding faces with cnn"):
            found = self._detector(rgb, 0)
        faces = [dlib_box.found(one.rect, float(one.confidence), small) for one in found]
        return sorted(faces, key=lambda face: face.score, reverse=True)
