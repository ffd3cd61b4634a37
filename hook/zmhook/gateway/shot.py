"""A frame as it is sent to a gateway, and how boxes in it become boxes in the frame."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detection import Box
from zmhook.errors import DetectorError
from zmhook.frame import Frame
from zmhook.gateway.finite import finite
from zmhook.image.header import read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

MOST_BYTES = 15_000_000
"""Of one picture: a zmhook takes 20 MB in one request, unless it is told otherwise."""
PNG_FAST = (16, 1, 17, 3)
"""IMWRITE_PNG_COMPRESSION and IMWRITE_PNG_STRATEGY (run lengths): a third of the usual time. What
was cut out or reduced is sent without loss: other things are seen in it where its edges are not
what they were. A plate's box lies elsewhere, a truck becomes a car."""
FINE = (1, 100, 7, 0x111111)
"""IMWRITE_JPEG_QUALITY, and IMWRITE_JPEG_SAMPLING_FACTOR: 4:4:4."""
PLAIN = (1, 92)
JPEG, PNG = "image/jpeg", "image/png"
_TYPES = {"JPEG": JPEG, "PNG": PNG}
_CORNERS = 4
Size = tuple[int, int]
"""Width and height in pixels."""


class Address(NamedTuple):
    """Where a picture is: without and with what lets one in, which is secret."""

    url: str
    query: str = ""
    verify: bool = True


class Shot(NamedTuple):
    """One picture for a gateway: `data` of type `kind`, or an `address` in its place.

    The gateway sees `seen` (width, height) pixels of what has `frame` (width, height) pixels here.
    `of` is the label of what was cut out, `source` what it was made of.
    """

    id: str
    seen: Size
    frame: Size
    data: bytes = b""
    kind: str = JPEG
    of: str = ""
    address: Address | None = None
    source: Frame | None = None

    def within(self, most_bytes: int) -> Shot:
        """Return one of at most so many bytes: itself, or a JPEG, which loses some of it.

        Raises `DetectorError` when it cannot be made.
        """
        if len(self.data) <= most_bytes or self.source is None:
            return self
        return self._replace(data=_lossy(self.source, most_bytes), kind=JPEG)

    @property
    def file_name(self) -> str:
        safe = "".join(one for one in self.id if one.isascii() and one.isalnum()) or "frame"
        return f"{safe}.png" if self.kind == PNG else f"{safe}.jpg"

    def box(self, corners: object, seen: Size | None = None) -> Box | None:
        """Return x1, y1, x2, y2 of a picture of `seen` pixels as a box in the frame, clipped to it.

        None for what is no box, or nowhere in the picture.
        """
        if not isinstance(corners, list | tuple) or len(corners) != _CORNERS:
            return None
        numbers = [number for one in corners if (number := finite(one)) is not None]
        if len(numbers) != _CORNERS:
            return None
        (width, height), (wide, high) = seen or self.seen, self.frame
        x1, y1, x2, y2 = numbers
        if x1 >= x2 or y1 >= y2 or x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            return None
        # Whole numbers stay what they are where the sizes are the same.
        x, y = wide / width, high / height
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        return Box.clipped(left * x, top * y, right * x, bottom * y, wide, high)


def shot(frame: Frame, *, of: str = "") -> Shot:
    """Return the frame's own file where that shows the same pixels, else a PNG of them.

    Nothing is lost, unless that has more than `MOST_BYTES`. Raises `DetectorError` when it cannot
    be made.
    """
    size = frame.width, frame.height
    kind, data = _kind(frame.data, size), frame.data
    if not kind:
        kind, data = PNG, _made(frame, ".png", PNG_FAST)
    made = Shot(frame.id, size, size, data, kind, of, source=frame)
    if len(data) > MOST_BYTES:
        log.warning("%s is too large to be sent as it is (%d bytes)", frame.origin, len(data))
    return made.within(MOST_BYTES)


def in_requests(shots: Sequence[Shot], most: int, most_bytes: int) -> list[Sequence[Shot]]:
    """Divide them so that no request has more than so many, or so many bytes."""
    groups: list[list[Shot]] = []
    size = 0
    for one in shots:
        if not groups or len(groups[-1]) >= most or size + len(one.data) > most_bytes:
            groups.append([])
            size = 0
        groups[-1].append(one)
        size += len(one.data)
    return list(groups)


def _kind(data: bytes, size: Size) -> str:
    """Return the type of a file that may be sent as it is; nothing for another.

    A JPEG may say in its EXIF data that it is to be turned: then its sides are the other way round.
    """
    header = read_header(data) if data else None
    if header is None or size not in (
        (header.width, header.height),
        (header.height, header.width),
    ):
        return ""
    return _TYPES.get(header.format, "")


def _lossy(frame: Frame, most_bytes: int) -> bytes:
    data = _made(frame, ".jpg", FINE)
    return data if len(data) <= most_bytes else _made(frame, ".jpg", PLAIN)


def _made(frame: Frame, ending: str, options: Sequence[int]) -> bytes:
    import cv2

    try:
        made, data = cv2.imencode(ending, frame.image, [*options])
    except cv2.error as error:
        raise DetectorError(f"{frame.id}: cannot be made a file to send ({error.err})") from None
    if not made:
        raise DetectorError(f"{frame.id}: cannot be made a file to send")
    return data.tobytes()
