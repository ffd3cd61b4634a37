"""What we were told about an event, and one picture of it: as a file, and as pixels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from zmhook.names import on_disk

if TYPE_CHECKING:
    # msgspec never reads the types of Picture and Frame, which are not encoded.
    import numpy as np  # noqa: TC004
    import numpy.typing as npt  # noqa: TC004

    from zmhook.crop import Crop  # noqa: TC004
    from zmhook.deadline import Deadline  # noqa: TC004


class Event(Struct, frozen=True, kw_only=True):
    """One event, as the caller named it.

    `id` is None when a picture is looked at without an event (`--file`); `path` is the event's
    folder when the caller gave it; `asked` is when we were asked, seconds since the epoch.
    """

    id: int | None = None
    monitor_id: int | None = None
    monitor_name: str = ""
    cause: str = ""
    path: str = ""
    asked: float = field(default_factory=time.time)

    @property
    def folder(self) -> str:
        """The event's folder as the disk names it; `path` is the same as text, for JSON."""
        return on_disk(self.path)

    def __str__(self) -> str:
        name = f"event {self.id}" if self.id is not None else "a picture"
        return f"{name} of monitor {self.monitor_id}" if self.monitor_id is not None else name


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
