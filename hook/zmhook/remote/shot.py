"""A frame as it is sent to a gateway, and how boxes in it become boxes in the frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.detection import Box
from zmhook.errors import DetectorError
from zmhook.frames.header import read_header
from zmhook.remote.finite import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.event import Frame

MOST_BYTES = 5_000_000
"""Of one picture: what mlapi takes. A larger file is sent as a JPEG of our own."""
LOSSLESS_PIXELS, FINE_PIXELS = 250_000, 2_000_000
"""A picture of our own with so few pixels is sent as PNG, and as a JPEG without visible loss. What
was cut out or reduced is small, and other things are seen in it where its edges are not what they
were: a plate's box lies elsewhere, a truck becomes a car."""
PNG_FAST = (16, 1)
"""Options of OpenCV's: IMWRITE_PNG_COMPRESSION."""
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
    `of` is the label of what was cut out.
    """

    id: str
    seen: Size
    frame: Size
    data: bytes = b""
    kind: str = JPEG
    of: str = ""
    address: Address | None = None

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
    """Return the frame's own file where that shows the same pixels, else a picture made of them.

    Raises `DetectorError` when it cannot be made.
    """
    size = frame.width, frame.height
    kind = _kind(frame.data, size)
    if kind:
        return Shot(frame.id, size, size, frame.data, kind, of)
    return Shot(frame.id, size, size, *_encoded(frame), of)


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
    header = read_header(data) if 0 < len(data) <= MOST_BYTES else None
    if header is None or size not in (
        (header.width, header.height),
        (header.height, header.width),
    ):
        return ""
    return _TYPES.get(header.format, "")


def _encoded(frame: Frame) -> tuple[bytes, str]:
    pixels = frame.width * frame.height
    if pixels <= LOSSLESS_PIXELS:
        return _made(frame, ".png", PNG_FAST), PNG
    data = _made(frame, ".jpg", FINE) if pixels <= FINE_PIXELS else b""
    if not 0 < len(data) <= MOST_BYTES:
        data = _made(frame, ".jpg", PLAIN)
    return data, JPEG


def _made(frame: Frame, ending: str, options: Sequence[int]) -> bytes:
    import cv2

    try:
        made, data = cv2.imencode(ending, frame.image, [*options])
    except cv2.error as error:
        raise DetectorError(f"{frame.id}: cannot be made a file to send ({error.err})") from None
    if not made:
        raise DetectorError(f"{frame.id}: cannot be made a file to send")
    return data.tobytes()
