"""Where faces are in a picture. One module per way of finding them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from zmhook.detection import Box

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.settings import Face


class Found(NamedTuple):
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

    def find(self, image: npt.NDArray[np.uint8]) -> list[Found]:
        """Return the faces in a BGR picture `(height, width, 3)`, surest first.

        Raises `DetectorError`.
        """


def make_finder(model: str, face: Face, cache: str = "") -> Finder:
    """Load the finder `hog`, `cnn` or `yunet`.

    `cache` is a folder in which something that is slow to make may be kept; empty: none.
    Raises `DetectorError`.
    """
    if model == "cnn":
        from zmhook.detectors.face.finders.cnn import CnnFinder

        return CnnFinder(face)
    if model == "yunet":
        from zmhook.detectors.face.finders.yunet import YunetFinder

        return YunetFinder(face)
    from zmhook.detectors.face.finders.hog import HogFinder

    return HogFinder(face, cache)
