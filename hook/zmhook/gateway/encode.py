"""Encode a frame for a server, and map the server's boxes back into the frame."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detection import Box
from zmhook.errors import DetectorError, PortalError
from zmhook.frame import Frame
from zmhook.gateway.parse import CORNERS, finite
from zmhook.gateway.protocol import ImageUrl
from zmhook.image.header import read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.deadline import Deadline
    from zmhook.settings import General
    from zmhook.zoneminder.api import Portal

log = logging.getLogger(__name__)

MOST_BYTES = 15_000_000
"""Of one image: by default a zmhook accepts 20 MB in one request."""
PNG_FAST = (16, 1, 17, 3)
"""IMWRITE_PNG_COMPRESSION and IMWRITE_PNG_STRATEGY (run lengths): a third of the usual time. Crops
and reduced frames are sent without loss: models detect other things where edges are not what they
were. A plate's box moves, a truck becomes a car."""
FINE = (1, 100, 7, 0x111111)
"""IMWRITE_JPEG_QUALITY, and IMWRITE_JPEG_SAMPLING_FACTOR: 4:4:4."""
PLAIN = (1, 92)
JPEG, PNG = "image/jpeg", "image/png"
_TYPES = {"JPEG": JPEG, "PNG": PNG}
Size = tuple[int, int]
"""Width and height in pixels."""


class EncodedImage(NamedTuple):
    """One image for a server: `data` of `media_type`, or a `url` instead.

    The server gets `sent_size` (width, height) pixels of what has `frame_size` pixels here.
    `crop_label` is the label of what was cut out, `source` the frame that it was made of.
    """

    id: str
    sent_size: Size
    frame_size: Size
    data: bytes = b""
    media_type: str = JPEG
    crop_label: str = ""
    url: ImageUrl | None = None
    source: Frame | None = None

    def within(self, most_bytes: int) -> EncodedImage:
        """Return an image of at most so many bytes: itself, or a JPEG, which loses some detail.

        Raises `DetectorError` when it cannot be encoded.
        """
        if len(self.data) <= most_bytes or self.source is None:
            return self
        return self._replace(data=_as_jpeg(self.source, most_bytes), media_type=JPEG)

    @property
    def file_name(self) -> str:
        safe = "".join(each for each in self.id if each.isascii() and each.isalnum()) or "frame"
        return f"{safe}.png" if self.media_type == PNG else f"{safe}.jpg"

    @property
    def secret(self) -> str:
        """The part of the URL that grants access, for masking; "" without a URL."""
        return self.url.query if self.url else ""

    def frame_box(self, corners: object, size: Size | None = None) -> Box | None:
        """Return x1, y1, x2, y2 of an image of `size` pixels as a box in the frame, clipped to it.

        None for what is no box, or lies outside of the image.
        """
        if not isinstance(corners, list | tuple) or len(corners) != CORNERS:
            return None
        numbers = [number for corner in corners if (number := finite(corner)) is not None]
        if len(numbers) != CORNERS:
            return None
        (width, height), (wide, high) = size or self.sent_size, self.frame_size
        x1, y1, x2, y2 = numbers
        if x1 >= x2 or y1 >= y2 or x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            return None
        # Whole numbers stay what they are where the sizes are the same.
        x, y = wide / width, high / height
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        return Box.clipped(left * x, top * y, right * x, bottom * y, wide, high)


def encode(frame: Frame, *, crop_label: str = "") -> EncodedImage:
    """Return the frame's own file where that shows the same pixels, else a PNG of them.

    Nothing is lost, unless that has more than `MOST_BYTES`. Raises `DetectorError` when it cannot
    be encoded.
    """
    size = frame.width, frame.height
    media_type, data = _sendable_type(frame.data, size), frame.data
    if not media_type:
        media_type, data = PNG, _encoded(frame, ".png", PNG_FAST)
    image = EncodedImage(frame.id, size, size, data, media_type, crop_label, source=frame)
    if len(data) > MOST_BYTES:
        log.warning("%s is too large to be sent as it is (%d bytes)", frame.origin, len(data))
    return image.within(MOST_BYTES)


def batches(
    images: Sequence[EncodedImage], most: int, most_bytes: int
) -> list[Sequence[EncodedImage]]:
    """Divide the images so that no request has more than so many, or so many bytes."""
    groups: list[list[EncodedImage]] = []
    size = 0
    for image in images:
        if not groups or len(groups[-1]) >= most or size + len(image.data) > most_bytes:
            groups.append([])
            size = 0
        groups[-1].append(image)
        size += len(image.data)
    return list(groups)


class PortalImages:
    """Frames by their URLs at ZoneMinder's portal, for servers that fetch them themselves.

    Used with `ml_gateway_mode = url`.
    """

    def __init__(self, general: General) -> None:
        self._general = general
        self._opened: Portal | None = None

    def image(self, frame: Frame, deadline: Deadline) -> EncodedImage | None:
        """Return the frame by its URL; None where the portal has another image than ours.

        That is so for crops, for reduced frames, and for frames from elsewhere.
        """
        event = frame.event
        if event is None or event.id is None or not self._general.portal:
            return None
        portal = self._portal()
        if frame.origin != portal.image_origin(event.id, frame.id) or frame.crop:
            return None
        try:
            url, query = portal.image_address(event.id, frame.id, deadline)
        except PortalError as error:
            log.warning("%s; the image is sent instead of its URL", error)
            return None
        size = frame.width, frame.height
        address = ImageUrl(url, query, not self._general.allow_self_signed)
        return EncodedImage(frame.id, size, size, url=address)

    def close(self) -> None:
        portal, self._opened = self._opened, None
        if portal is not None:
            portal.close()

    def _portal(self) -> Portal:
        if self._opened is None:
            from zmhook.zoneminder.api import Portal

            self._opened = Portal(self._general)
        return self._opened


def _sendable_type(data: bytes, size: Size) -> str:
    """Return the media type of a file that may be sent as it is; "" for another.

    A JPEG may say in its EXIF data that it is to be turned: then its sides are the other way round.
    """
    header = read_header(data) if data else None
    if header is None or size not in (
        (header.width, header.height),
        (header.height, header.width),
    ):
        return ""
    return _TYPES.get(header.format, "")


def _as_jpeg(frame: Frame, most_bytes: int) -> bytes:
    data = _encoded(frame, ".jpg", FINE)
    return data if len(data) <= most_bytes else _encoded(frame, ".jpg", PLAIN)


def _encoded(frame: Frame, ending: str, options: Sequence[int]) -> bytes:
    import cv2

    try:
        is_done, data = cv2.imencode(ending, frame.image, [*options])
    except cv2.error as error:
        raise DetectorError(f"{frame.id}: cannot be encoded for sending ({error.err})") from None
    if not is_done:
        raise DetectorError(f"{frame.id}: cannot be encoded for sending")
    return data.tobytes()
