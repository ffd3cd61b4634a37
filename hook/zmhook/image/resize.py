"""Make pictures smaller."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def resized(image: Image, width: int, height: int) -> Image:
    """Return a picture in exactly that size, averaged where it gets smaller."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def narrowed(image: Image, width: int) -> Image:
    """Return a picture at most so wide; the same object where it is not wider."""
    own_height, own_width = image.shape[:2]
    if own_width <= width:
        return image
    return resized(image, width, max(1, round(own_height * width / own_width)))


def shrunk(image: Image, longest: int) -> Image:
    """Return a picture whose longest side has at most so many pixels."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    return resized(image, max(1, round(width * scale)), max(1, round(height * scale)))
