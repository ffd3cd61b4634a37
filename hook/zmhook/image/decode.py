"""Check and decode picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.errors import PictureError
from zmhook.frame import Frame, Picture
from zmhook.image.header import FORMATS, Header, read_header
from zmhook.image.sniff import describe, kind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def checked(
    data: bytes, frame_id: str, origin: str, max_pixels: int, *, is_answer: bool = False
) -> Picture:
    """Return the bytes as a picture when their format, size and end are right.

    Costs microseconds: nothing is decoded. Raises `PictureError`, whose line begins with
    `origin`; its `retry` is true when the data ends too early, because the file may still be
    being written. What is no picture is quoted only when it `is_answer` of a server: a file may be
    one that whoever reads the log may not.
    """
    header = read_header(data)
    if data and header is None:
        content = describe(data) if is_answer else kind(data)
        raise PictureError(f"{origin}: expected a picture ({FORMATS}), got {content}")
    _check(header, data, origin, max_pixels)
    return Picture(data, frame_id, origin)


def frame_of(picture: Picture) -> Frame:
    """Return a checked picture's pixels; raises `PictureError`."""
    return Frame(_decoded(picture), picture.id, picture.origin, picture.data, picture.crop)


def decode(data: bytes, origin: str, max_pixels: int) -> npt.NDArray[np.uint8]:
    """Return the picture as BGR `uint8` of shape `(height, width, 3)`.

    Grey and CMYK pictures are converted, 16 bits reduced to 8, transparency is dropped, and a
    picture is turned upright as its EXIF orientation says. Raises `PictureError` as `checked`.
    """
    return _decoded(checked(data, "", origin, max_pixels))


def _decoded(picture: Picture) -> npt.NDArray[np.uint8]:
    import cv2
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        reason = error.err or error.func
        raise PictureError(f"{picture.origin}: cannot be decoded ({reason})") from None
    if image is None:
        raise PictureError(
            f"{picture.origin}: is damaged and cannot be decoded: save or fetch it again"
        )
    return np.asarray(image, np.uint8)


def _check(header: Header | None, data: bytes, origin: str, max_pixels: int) -> None:
    if header is None:
        raise PictureError(f"{origin}: is empty (0 bytes)", retry=True)
    name, width, height, complete = header
    if width * height > max_pixels:
        raise PictureError(
            f"{origin}: {width}x{height} are more pixels than [general] max_picture_pixels"
            f" = {max_pixels} allows"
        )
    if not complete:
        raise PictureError(
            f"{origin}: the {name} is cut short: its end is missing after {len(data)} bytes"
            " (still being written, or damaged)",
            retry=True,
        )
    if not width * height:
        raise PictureError(f"{origin}: the {name} is damaged: it does not say its size")
