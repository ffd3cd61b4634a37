"""A picture as it is sent: no larger than need be, and nothing in it but pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from zmhook.describe.unanswered import Unanswered

if TYPE_CHECKING:
    import numpy.typing as npt

QUALITY = 85


def shrunk(image: npt.NDArray[np.uint8], longest: int) -> npt.NDArray[np.uint8]:
    """Return a BGR picture `(height, width, 3)` whose longest side is at most `longest` pixels."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    """Return a JPEG of the pixels; what a camera wrote beside them (place, owner) is not in it."""
    made, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not made:
        height, width = image.shape[:2]
        raise Unanswered("no picture", f"a picture of {width}x{height} pixels makes no JPEG")
    return data.tobytes()
