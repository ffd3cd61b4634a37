"""A picture to try models on: it is drawn, so it belongs to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.frame import Frame

if TYPE_CHECKING:
    import numpy.typing as npt

WIDTH, HEIGHT = 640, 360
_SKY, _GROUND, _COAT, _SKIN = (200, 170, 140), (90, 110, 100), (60, 50, 150), (150, 180, 220)


def frame() -> Frame:
    return Frame(image(), "snapshot", "the built-in picture")


def image() -> npt.NDArray[np.uint8]:
    """Return a BGR picture: somebody stands before a horizon."""
    picture = np.full((HEIGHT, WIDTH, 3), _SKY, np.uint8)
    picture[HEIGHT // 2 :] = _GROUND
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture[150:300, 290:350] = _COAT
    picture[(rows - 125) ** 2 + (columns - 320) ** 2 < 25**2] = _SKIN
    return picture
