"""Check and decode picture files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.errors import PictureError
from zmhook.frame import LARGE, Frame, LazyImage, Picture, reduced_size, reduction
from zmhook.image.header import FORMATS, Header, jpeg_size, read_header
from zmhook.image.sniff import describe, kind

if TYPE_CHECKING:
    from zmhook.frame import Image, Size


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


def reducible_size(picture: Picture) -> Size | None:
    """Return the size of a picture that may be decoded at a reduced size, None for another.

    It is the size before the picture is turned as its EXIF orientation says.
    """
    size = jpeg_size(picture.data)
    return size if size and size[0] * size[1] >= LARGE else None


def frame_of(picture: Picture, least: Size | None = None) -> Frame:
    """Return a checked picture's pixels; raises `PictureError`.

    `least` is the size that is enough for now, for a picture as `reducible_size` has it; None: all.
    What is reduced is decoded again once somebody needs more of it. Whether it can be decoded is
    known at once.
    """
    pixels = _pixels(picture, least)
    return Frame(pixels, picture.id, picture.origin, picture.data, picture.crop)


def decode(data: bytes, origin: str, max_pixels: int) -> Image:
    """Return the picture as BGR `uint8` of shape `(height, width, 3)`.

    Grey and CMYK pictures are converted, 16 bits reduced to 8, transparency is dropped, and a
    picture is turned upright as its EXIF orientation says. Raises `PictureError` as `checked`.
    """
    return _decoded(checked(data, "", origin, max_pixels))


def _pixels(picture: Picture, least: Size | None) -> Image | LazyImage:
    stored = reducible_size(picture)
    if stored is None:
        return _decoded(picture)
    number = reduction(stored, least) if least else 1
    image = _decoded(picture, number)
    size = _full_size(image, stored, number)
    if size is None:
        number, image = 1, _decoded(picture)
        size = _size(image)
    return LazyImage(size, lambda by: _decoded(picture, by), {number: image})


def _full_size(image: Image, stored: Size, number: int) -> Size | None:
    """Return the size of the upright picture, None where a reduced one does not tell.

    `stored` is the size before the picture is turned as its EXIF orientation says.
    """
    turned = stored[1], stored[0]
    sizes = [size for size in (stored, turned) if reduced_size(size, number) == _size(image)]
    return sizes[0] if len(set(sizes)) == 1 else None


def _size(image: Image) -> Size:
    return image.shape[1], image.shape[0]


def _decoded(picture: Picture, number: int = 1) -> Image:
    """Return the upright picture, its sides divided by 1, 2, 4 or 8."""
    import cv2
    import numpy as np

    flags = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    try:
        image = cv2.imdecode(np.frombuffer(picture.data, np.uint8), flags[number])
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
