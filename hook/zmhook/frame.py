"""A frame: one picture of an event, as a file and as pixels, and its position in the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from zmhook.detection import Box, Detection

if TYPE_CHECKING:
    # msgspec never reads the types of Picture and Frame, which are not encoded.
    import numpy as np  # noqa: TC004
    import numpy.typing as npt  # noqa: TC004

    from zmhook.deadline import Deadline  # noqa: TC004
    from zmhook.event import Event  # noqa: TC004


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


class Frame(Struct, frozen=True, eq=False):
    """One picture.

    `image` is a BGR `uint8` array of shape `(height, width, 3)` in its original size; `id` is
    `snapshot`, `alarm`, or a frame number as text; `origin` says where it came from, without
    secrets; `data` is the file as it came (the JPEG), for keeping and for sending on. `crop`
    says where in a larger picture it lies, None when it is no part of one. `event` is the event
    that it is of and `deadline` that event's, both None outside of one.
    """

    image: npt.NDArray[np.uint8]
    id: str
    origin: str
    data: bytes = b""
    crop: Crop | None = None
    event: Event | None = None
    deadline: Deadline | None = None

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


def frame_crop(frame: Frame) -> Crop:
    """Return where the frame lies: itself when it is no part of anything."""
    return frame.crop or Crop(
        box=Box(0, 0, frame.width, frame.height), width=frame.width, height=frame.height
    )
