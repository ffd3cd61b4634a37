"""A face → 128 numbers that are near each other for pictures of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from zmhook.detectors.face.dlib_parts import ENCODER, LANDMARKS, load_dlib, load_model, native

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.detectors.face.finders import FaceBox

SIZE = 128
NAME = "dlib-resnet-v1"


class Encoder:
    """dlib's face recognition network (a ResNet of 29 layers, trained on 3 million faces).

    Loads two of dlib's files, 32 MB; raises `DetectorError`. `jitters` above 1 averages that many
    slightly turned and shifted copies of the face.
    """

    def __init__(self, jitters: int = 0) -> None:
        self._dlib = load_dlib()
        self._landmarks = load_model(self._dlib.shape_predictor, LANDMARKS)
        self._network = load_model(self._dlib.face_recognition_model_v1, ENCODER)
        self._jitters = jitters

    def encode(self, image: npt.NDArray[np.uint8], face: FaceBox) -> npt.NDArray[np.float64]:
        """Encode a face of a BGR picture as an array of 128 numbers; raises `DetectorError`."""
        rgb, rectangle = self._around(image, face)
        with native("encoding a face"):
            shape = self._landmarks(rgb, rectangle)
            return np.array(self._network.compute_face_descriptor(rgb, shape, self._jitters))

    def _around(
        self, image: npt.NDArray[np.uint8], face: FaceBox
    ) -> tuple[npt.NDArray[np.uint8], object]:
        """Cut the face out with room on each side: dlib wants RGB, and a 4K frame is large."""
        left, top, side = face.square
        x, y = max(0, int(left - side)), max(0, int(top - side))
        part = image[y : int(top + 2 * side) + 1, x : int(left + 2 * side) + 1]
        rgb: npt.NDArray[np.uint8] = cv2.cvtColor(part, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
        corners = (left - x, top - y, left - x + side - 1, top - y + side - 1)
        return rgb, self._dlib.rectangle(*(round(corner) for corner in corners))
