"""Where faces are in a picture. One module per way of finding them."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from zmhook.detection import Box

if TYPE_CHECKING:
    from zmhook.settings import Face

LEAST_SIDE = 20
"""Pixels. No finder sees a face in less, and dlib's cnn writes past its memory below 9."""

log = logging.getLogger(__name__)


class Scaled(NamedTuple):
    """A picture as it is searched: `image` is the original's size times `x` and `y`."""

    image: npt.NDArray[np.uint8]
    x: float
    y: float
    width: int
    height: int

    @property
    def too_small(self) -> bool:
        """Whether no finder may be given the picture."""
        return bool(min(self.image.shape[:2]) < LEAST_SIDE)

    def box(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Turn corners in the searched picture into a box in the original."""
        return Box.clipped(
            x1 / self.x, y1 / self.y, x2 / self.x, y2 / self.y, self.width, self.height
        )


def factor(
    width: int, height: int, max_side: int, upsample: int = 0, max_pixels: int | None = None
) -> float:
    """Return the factor from the original's size to the searched one.

    The longest side is brought down to `max_side`, the result doubled `upsample` times, and that
    brought down to `max_pixels`. It is one step, so no detail is lost by going down and up again.
    """
    scale = min(1.0, max_side / max(width, height)) * float(1 << upsample)
    if max_pixels is not None:
        scale = min(scale, math.sqrt(max_pixels / (width * height)))
    return scale


def scaled(image: npt.NDArray[np.uint8], scale: float) -> Scaled:
    """Resize a BGR picture by `scale`; the picture itself when that changes nothing."""
    height, width = image.shape[:2]
    size = max(1, int(width * scale)), max(1, int(height * scale))
    if size == (width, height):
        return Scaled(image, 1.0, 1.0, width, height)
    if scale < 1:
        log.debug("faces are searched at %dx%d instead of %dx%d pixels", *size, width, height)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=how)
    return Scaled(small, size[0] / width, size[1] / height, width, height)  # type: ignore[arg-type]


class FaceBox(NamedTuple):
    """A face in a picture.

    `box` is what is shown, in the picture's pixels; `square` is `(left, top, side)` of the
    square around brows and chin that dlib's landmarks are trained on, also in pixels, and may
    reach over the picture's edge. `score` is the finder's own figure; `certainty` is that figure
    as 0..1.
    """

    box: Box
    square: tuple[float, float, float]
    score: float
    certainty: float


class Finder(Protocol):
    """Finds faces; loaded when it is made, which may raise `DetectorError`."""

    def find(self, image: npt.NDArray[np.uint8]) -> list[FaceBox]:
        """Return the faces in a BGR picture `(height, width, 3)`, surest first.

        Raises `DetectorError`.
        """


def make_finder(model: str, face: Face, cache: str = "") -> Finder:
    """Load the finder `hog`, `cnn` or `yunet`.

    `cache` is a folder in which something that is slow to make may be kept; empty: none.
    Raises `DetectorError`.
    """
    if model == "cnn":
        from zmhook.detectors.face.finders.dlib_finders import CnnFinder

        return CnnFinder(face)
    if model == "yunet":
        from zmhook.detectors.face.finders.yunet import YunetFinder

        return YunetFinder(face)
    from zmhook.detectors.face.finders.dlib_finders import HogFinder

    return HogFinder(face, cache)
