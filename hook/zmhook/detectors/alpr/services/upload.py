"""A picture as a service is sent it, and boxes brought back from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from zmhook.detection import Box
from zmhook.detectors.alpr.services.base import PlateServiceError, number

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

QUALITY = 92
_SMALLER = 0.8
_ATTEMPTS = 12


class Upload(NamedTuple):
    """A JPEG of `across` x `down` pixels, of a picture of `width` x `height`."""

    data: bytes
    across: int
    down: int
    width: int
    height: int

    def to_picture(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Bring a box in the JPEG's pixels back into the picture's, clipped to it."""
        x, y = self.width / self.across, self.height / self.down
        return Box.clipped(x1 * x, y1 * y, x2 * x, y2 * y, self.width, self.height)

    def corners(self, corners: dict[str, Any]) -> Box | None:
        """Read `{xmin, ymin, xmax, ymax}`, in the JPEG's pixels; None where that is no box."""
        x1, y1, x2, y2 = (number(corners.get(side)) for side in ("xmin", "ymin", "xmax", "ymax"))
        if x1 is None or y1 is None or x2 is None or y2 is None:
            return None
        return self.to_picture(x1, y1, x2, y2)

    def around(self, points: list[dict[str, Any]]) -> Box | None:
        """Return the box around `{x, y}` points in the JPEG's pixels; None where there are none."""
        x = [value for point in points if (value := number(point.get("x"))) is not None]
        y = [value for point in points if (value := number(point.get("y"))) is not None]
        return self.to_picture(min(x), min(y), max(x), max(y)) if x and y else None


def upload(image: Image, longest: int, most_bytes: int) -> Upload:
    """Make a JPEG of a BGR picture `(height, width, 3)`.

    Its longest side has at most `longest` pixels and it at most `most_bytes` bytes; what a camera
    wrote beside the pixels (place, owner) is not in it.
    """
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    for _ in range(_ATTEMPTS):
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        made = image
        if scale < 1:
            small = cv2.resize(image, (across, down), interpolation=cv2.INTER_AREA)
            made = np.asarray(small, np.uint8)
        data = cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        if len(data) <= most_bytes:
            return Upload(data, across, down, width, height)
        scale *= _SMALLER
    raise PlateServiceError(
        "picture too large", f"a picture of {width}x{height} does not fit into {most_bytes} bytes"
    )
