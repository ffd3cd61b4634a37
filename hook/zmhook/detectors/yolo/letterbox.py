"""A picture fitted into a network's input, and boxes brought back from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import cv2
import numpy as np

from zmhook.detection import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Fit = Literal["centre", "corner", "stretch"]
"""Where the picture lies: in the middle, at the top left, or over all of the input. Each as its
makers have it, to the pixel: YOLOX, at the top left, leaves off what is less than a whole pixel;
the others round."""

GREY = 114
"""The padding that YOLOv5's family, YOLOX and YOLO-NAS are trained with, in all three channels."""

Pixels = Literal["float32", "float16", "uint8"]
"""What a network takes. One that takes bytes scales them itself."""


class Preprocessing(NamedTuple):
    """How a network wants its picture: the placement, the order of colours, the range.

    `scale` is what a pixel (0..255) is multiplied by; then `mean` is taken off, by channel in the
    order of the input, and `std` divides. `smooth`: the mean of the pixels where it is reduced.
    """

    fit: Fit
    rgb: bool
    scale: float
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    smooth: bool = False


class Placement(NamedTuple):
    """Where a picture of `width` x `height` lies in the input, all in pixels.

    `across` x `down` is its size there, `left`, `top` the corner. The two axes are scaled by
    their own ratio, which differs where a very long picture is rounded to whole pixels.
    """

    width: int
    height: int
    across: int
    down: int
    left: int
    top: int

    @property
    def is_same_of_half(self) -> bool:
        """Whether the input gets the same pixels of a picture with half as long sides.

        So it is where both axes are divided by 2, 6, 10 and so on: linear interpolation then takes
        the mean of two by two pixels in the middle, which are one pixel of the smaller picture.
        With other numbers weak boxes come and go (docs/performance.md).
        """
        twice = (self.width, 2 * self.across), (self.height, 2 * self.down)
        return all(full % reduced == 0 and full // reduced % 2 for full, reduced in twice)

    def of_size(self, size: tuple[int, int]) -> Placement:
        """Return the place of the full picture, of `size`, where a reduced one lies."""
        return self._replace(width=size[0], height=size[1])

    def to_picture(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Bring a box in the input's pixels back into the picture's, clipped to it."""
        x, y = self.width / self.across, self.height / self.down
        return Box.clipped(
            (x1 - self.left) * x,
            (y1 - self.top) * y,
            (x2 - self.left) * x,
            (y2 - self.top) * y,
            self.width,
            self.height,
        )


def placement_of(size: tuple[int, int], into: tuple[int, int], fit: Fit) -> Placement:
    """Place a picture of `size` into an input of size `into`; both `(width, height)`."""
    if fit == "stretch":
        return Placement(*size, *into, 0, 0)
    scale = min(into[0] / size[0], into[1] / size[1])
    whole = int if fit == "corner" else round
    across = min(max(1, whole(size[0] * scale)), into[0])
    down = min(max(1, whole(size[1] * scale)), into[1])
    if fit == "corner":
        return Placement(*size, across, down, 0, 0)
    return Placement(*size, across, down, (into[0] - across) // 2, (into[1] - down) // 2)


def blob(
    image: npt.NDArray[np.uint8],
    into: tuple[int, int],
    preprocessing: Preprocessing,
    pixels: Pixels = "float32",
) -> tuple[npt.NDArray[np.float32 | np.uint8], Placement]:
    """Turn a BGR picture into an input of `(width, height)` = `into`.

    Returns an array of shape `(1, 3, height, width)`, uint8 where the network takes that and
    float32 otherwise, and where the picture lies in it.
    """
    height, width = image.shape[:2]
    at = placement_of((width, height), into, preprocessing.fit)
    if (at.across, at.down) != (width, height):
        is_less = at.across <= width and at.down <= height
        how = cv2.INTER_AREA if preprocessing.smooth and is_less else cv2.INTER_LINEAR
        image = cv2.resize(image, (at.across, at.down), interpolation=how)  # type: ignore[assignment]
    channels = cv2.split(image)[::-1] if preprocessing.rgb else cv2.split(image)
    if pixels == "uint8":
        return _bytes(channels, into, at), at
    made = np.empty((1, 3, into[1], into[0]), np.float32)
    # Plane by plane straight into place takes a fifth of the time of cv2.dnn.blobFromImage.
    for plane, channel, mean, std in zip(
        made[0], channels, preprocessing.mean, preprocessing.std, strict=True
    ):
        plane.fill((GREY * preprocessing.scale - mean) / std)
        inside = _inside(plane, at)
        np.multiply(channel, np.float32(preprocessing.scale / std), out=inside)
        if mean:
            np.subtract(inside, np.float32(mean / std), out=inside)
    return made, at


def _bytes(
    channels: Sequence[npt.NDArray[Any]], into: tuple[int, int], at: Placement
) -> npt.NDArray[np.uint8]:
    made = np.full((1, 3, into[1], into[0]), GREY, np.uint8)
    for plane, channel in zip(made[0], channels, strict=True):
        _inside(plane, at)[:] = channel
    return made


def _inside(plane: npt.NDArray[Any], at: Placement) -> npt.NDArray[Any]:
    """Return the part of a plane where the picture lies."""
    return plane[at.top : at.top + at.down, at.left : at.left + at.across]
