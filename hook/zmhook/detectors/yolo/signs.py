"""A drawn picture in which networks detect something: stop signs before a horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.detectors.yolo.fit import Size

_SKY, _GROUND, _POST = (200, 170, 140), (90, 110, 100), (120, 120, 120)
_RED, _WHITE, _BALL = (30, 30, 190), (255, 255, 255), (150, 180, 220)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CORNERS = (np.arange(8) + 0.5) * np.pi / 4


def picture(size: Size) -> npt.NDArray[np.uint8]:
    """Return a BGR picture of `(width, height)`: two stop signs and a ball."""
    width, height = size
    image = np.full((height, width, 3), _SKY, np.uint8)
    image[height // 2 :] = _GROUND
    unit = min(size)
    _sign(image, (width // 4, height // 3), unit // 7)
    _sign(image, (width * 3 // 4, height * 2 // 3), unit // 10)
    cv2.circle(image, (width // 2, height // 4), unit // 12, _BALL, -1)
    return image


def _sign(image: npt.NDArray[np.uint8], centre: tuple[int, int], radius: int) -> None:
    x, y = centre
    post = radius // 12
    cv2.rectangle(image, (x - post, y), (x + post, y + 3 * radius), _POST, -1)
    for size, colour in ((radius, _WHITE), (int(radius * 0.93), _RED)):
        corners = np.stack((x + size * np.cos(_CORNERS), y + size * np.sin(_CORNERS)), axis=1)
        cv2.fillPoly(image, [corners.astype(np.int32)], colour)
    scale = radius / 45
    thick = max(1, int(3 * scale))
    (across, down), _ = cv2.getTextSize("STOP", _FONT, scale, thick)
    at = (x - across // 2, y + down // 2)
    cv2.putText(image, "STOP", at, _FONT, scale, _WHITE, thick, cv2.LINE_AA)
