"""The size at which a picture is searched, and the way back to its own pixels."""

from __future__ import annotations

import logging
import math
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from zmhook.detection import Box

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
