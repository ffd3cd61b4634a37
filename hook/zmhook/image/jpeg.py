"""Encode pictures as JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def jpeg(image: npt.NDArray[np.uint8], quality: int) -> bytes:
    """Return a BGR picture as a JPEG, empty where it has too many pixels for one."""
    made, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes() if made else b""
