"""Prepare a picture for a large model: blur faces, shrink it, encode its pixels alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import cv2
from msgspec import structs

from zmhook.describe.description import DescriptionError
from zmhook.detection import Box
from zmhook.errors import DetectorError
from zmhook.image.jpeg import jpeg

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.face.finders import Finder
    from zmhook.settings import Face

QUALITY = 85

LEAST_CERTAINTY = 0.4
"""A face that is less certain is not blurred; recognising needs more ([face])."""
MARGIN = 0.25
"""Added on each side, as a share of the face's box: hair and ears tell who it is, too."""
TILES = 6
"""A face is left with that many tiles across, which no tool makes a face of again."""


def upload(image: npt.NDArray[np.uint8]) -> bytes:
    """Return a JPEG of the pixels; what a camera wrote beside them (place, owner) is not in it."""
    data = jpeg(image, QUALITY)
    if not data:
        height, width = image.shape[:2]
        raise DescriptionError("no picture", f"a picture of {width}x{height} pixels makes no JPEG")
    return data


class Blur:
    """Finds faces with YuNet, whose file is read when first needed."""

    def __init__(self, face: Face) -> None:
        least = min(face.face_min_confidence, LEAST_CERTAINTY)
        self._face = structs.replace(face, face_min_confidence=least)
        self._finder: Finder | None = None
        self._lock = threading.Lock()  # the finder is not for two threads at once

    def blurred(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return a BGR picture `(height, width, 3)` without faces; itself when it has none.

        Raises `DescriptionError` when faces cannot be looked for: then nothing may be sent.
        """
        try:
            with self._lock:
                faces = self._loaded().find(image)
        except DetectorError as error:
            raise DescriptionError(
                "faces cannot be blurred", f"[gemini] gemini_blur_faces: nothing is sent: {error}"
            ) from None
        if not faces:
            return image
        without: npt.NDArray[np.uint8] = image.copy()
        for face in faces:
            _hide(without, face.box)
        return without

    def _loaded(self) -> Finder:
        if self._finder is None:
            from zmhook.detectors.face.finders import YunetFinder

            self._finder = YunetFinder(self._face)
        return self._finder


def _hide(image: npt.NDArray[np.uint8], face: Box) -> None:
    """Replace a face by a few tiles of its mean colours, smoothed."""
    wide, high = face.width * MARGIN, face.height * MARGIN
    height, width = image.shape[:2]
    box = Box.clipped(face.x1 - wide, face.y1 - high, face.x2 + wide, face.y2 + high, width, height)
    part = image[box.y1 : box.y2, box.x1 : box.x2]
    tiles = cv2.resize(
        part, (min(TILES, box.width), min(TILES, box.height)), interpolation=cv2.INTER_AREA
    )
    part[:] = cv2.resize(tiles, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
