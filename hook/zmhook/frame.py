"""A frame: one picture of an event, as a file and as pixels, and its position in the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from zmhook.detection import Box, Detection

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline
    from zmhook.event import Event

    Image = npt.NDArray[np.uint8]
    Size = tuple[int, int]


class Crop(Struct, frozen=True, kw_only=True):
    """Where in the full picture, of `width` x `height` pixels, a frame lies.

    `box` is in the full picture's pixels; a frame that was reduced covers all of it. `source` is
    the detection that was cut out, a model's or the camera's own. A best snapshot of unknown
    position is a picture of its own and not `located`: its boxes are nowhere in the scene.
    """

    box: Box
    width: int
    height: int
    source: Detection | None = None
    located: bool = True

    @property
    def is_part(self) -> bool:
        """Whether there is more of the full picture than the frame shows."""
        return self.box != Box(0, 0, self.width, self.height)


class Picture(Struct, frozen=True):
    """A picture file as it was fetched, not decoded yet; the fields are those of `Frame`."""

    data: bytes
    id: str
    origin: str
    crop: Crop | None = None


class LazyImage:
    """The pixels of a picture file, decoded once they are needed: in full, or at a reduced size.

    `size` is the width and height of the full picture. `decode` returns it with each side divided
    by 1, 2, 4 or 8; what `decoded` holds by that number is there already.
    """

    __slots__ = ("_decode", "_decoded", "size")

    def __init__(
        self, size: Size, decode: Callable[[int], Image], decoded: dict[int, Image]
    ) -> None:
        self.size = size
        self._decode = decode
        self._decoded = decoded

    def reduced_by(self, number: int) -> Image:
        """Return the picture with its sides divided by `number`; raises `PictureError`."""
        if number not in self._decoded:
            self._decoded[number] = self._decode(number)
        return self._decoded[number]


class Frame:
    """One picture. What it holds is not changed; `replaced` makes another one.

    `image` is a BGR `uint8` array of shape `(height, width, 3)` in its original size; `id` is
    `snapshot`, `alarm`, or a frame number as text; `origin` says where it came from, without
    secrets; `data` is the file as it came (the JPEG), for keeping and for sending on. `crop`
    says where in a larger picture it lies, None when it is no part of one. `event` is the event
    that it is of and `deadline` that event's, both None outside of one.
    """

    __slots__ = ("crop", "data", "deadline", "event", "id", "origin", "pixels")

    def __init__(
        self,
        image: Image | LazyImage,
        id: str,  # noqa: A002 - detectors know it by this name
        origin: str,
        data: bytes = b"",
        crop: Crop | None = None,
        event: Event | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self.pixels = image
        self.id = id
        self.origin = origin
        self.data = data
        self.crop = crop
        self.event = event
        self.deadline = deadline

    @property
    def image(self) -> Image:
        """The full picture, decoded on first use, which may raise `PictureError`."""
        return self.pixels.reduced_by(1) if isinstance(self.pixels, LazyImage) else self.pixels

    def at_least(self, size: Size | None) -> Image:
        """Return the picture as small as its decoder makes it, but at least of `size`.

        `size` is a width and height in pixels, None for the full picture. May raise
        `PictureError`.
        """
        if size is None or not isinstance(self.pixels, LazyImage):
            return self.image
        return self.pixels.reduced_by(reduction(self.size, size))

    @property
    def size(self) -> Size:
        """Width and height of the full picture."""
        if isinstance(self.pixels, LazyImage):
            return self.pixels.size
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    def replaced(self, **changes: Any) -> Frame:
        """Return a frame that differs in some of the arguments that a frame is made of."""
        same = {name: getattr(self, name) for name in self.__slots__ if name != "pixels"}
        return Frame(**{"image": self.pixels, **same, **changes})


REDUCTIONS = (8, 4, 2)
"""What JPEG decoders can divide a picture's sides by while they decode it, rounding up."""

LARGE = 1_500_000
"""Pixels. A smaller picture is decoded in a few milliseconds, and always in full."""


def reduction(size: Size, least: Size) -> int:
    """Return by what a picture of `size` is divided so that `least` remains, 1 for a small one."""
    if size[0] * size[1] < LARGE:
        return 1
    return next((n for n in REDUCTIONS if _is_within(least, reduced_size(size, n))), 1)


def reduced_size(size: Size, number: int) -> Size:
    """Return the size of a picture that is decoded with its sides divided by `number`."""
    return -(-size[0] // number), -(-size[1] // number)


def _is_within(least: Size, size: Size) -> bool:
    return least[0] <= size[0] and least[1] <= size[1]


def frame_crop(frame: Frame) -> Crop:
    """Return where the frame lies: itself when it is no part of anything."""
    return frame.crop or Crop(
        box=Box(0, 0, frame.width, frame.height), width=frame.width, height=frame.height
    )
