"""The format, the size and the completeness of a picture, read without decoding it.

Decoders are no help here: OpenCV decodes a JPEG that was cut short to a picture that is grey
below the cut, and it allocates memory for as many pixels as a header claims.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_BYTES = 256 * 1024 * 1024
"""Of a picture file that is read."""

FORMATS = "JPEG, PNG, WebP, BMP or GIF"

# In JPEG data 0xFF begins a marker unless 0x00 (a stuffed 0xFF), a restart marker (D0..D7) or
# another 0xFF (padding) follows: ITU-T T.81, B.1.1.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = {0x01, 0xD8}
_JPEG_END = 0xD9
_JPEG_MAX_SEGMENTS = 10_000
_PNG_END = b"IEND\xaeB`\x82"
_WEBP_14_BITS = 0x3FFF


class Header(NamedTuple):
    """A picture's format, size in pixels (0 when unknown), and whether its end is there."""

    format: str
    width: int
    height: int
    complete: bool


def read_header(data: bytes) -> Header | None:
    """Return the header, or None when this is none of `FORMATS`."""
    for magic, read in _READERS:
        if data.startswith(magic):
            return read(data)
    return _webp(data) if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return a JPEG's width and height, as stored, without reading on; None for another file."""
    if not data.startswith(b"\xff\xd8"):
        return None
    sizes = (_jpeg_size(data, at) for marker, at in _jpeg_segments(data) if marker in _JPEG_SIZES)
    return next(sizes, None)


def _jpeg(data: bytes) -> Header:
    """Walk from marker to marker: an end marker inside a segment is a thumbnail's, not ours."""
    width = height = 0
    for marker, at in _jpeg_segments(data):
        if marker == _JPEG_END:
            return Header("JPEG", width, height, complete=True)
        if marker in _JPEG_SIZES and not width:
            width, height = _jpeg_size(data, at)
    return Header("JPEG", width, height, complete=False)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Give each segment's marker and where it begins after that, the end marker as the last."""
    at = 2
    for _ in range(_JPEG_MAX_SEGMENTS):
        match = _JPEG_MARKER.search(data, at)
        if not match:
            return
        marker, at = match[1][0], match.end()
        if marker in _JPEG_BARE:
            continue
        yield marker, at
        if marker == _JPEG_END:
            return
        at += _number(data, at, 2, "big")


def _jpeg_size(data: bytes, at: int) -> tuple[int, int]:
    """Return width and height of a frame segment that begins there."""
    return _number(data, at + 5, 2, "big"), _number(data, at + 3, 2, "big")


def _png(data: bytes) -> Header:
    width, height = _number(data, 16, 4, "big"), _number(data, 20, 4, "big")
    return Header("PNG", width, height, complete=_PNG_END in data)


def _gif(data: bytes) -> Header:
    complete = data.rstrip(b"\0").endswith(b";")
    return Header("GIF", _number(data, 6, 2), _number(data, 8, 2), complete)


def _bmp(data: bytes) -> Header:
    # The height is negative when the rows run from the top.
    height = int.from_bytes(data[22:26], "little", signed=True)
    return Header("BMP", _number(data, 18, 4), abs(height), len(data) >= _number(data, 2, 4))


def _webp(data: bytes) -> Header:
    """Read any of the three kinds of the first chunk (RFC 9649)."""
    width = height = 0
    if data[12:16] == b"VP8 ":
        width = _number(data, 26, 2) & _WEBP_14_BITS
        height = _number(data, 28, 2) & _WEBP_14_BITS
    elif data[12:16] == b"VP8L":
        both = _number(data, 21, 4)
        width, height = (both & _WEBP_14_BITS) + 1, (both >> 14 & _WEBP_14_BITS) + 1
    elif data[12:16] == b"VP8X":
        width, height = _number(data, 24, 3) + 1, _number(data, 27, 3) + 1
    return Header("WebP", width, height, len(data) >= _number(data, 4, 4) + 8)


def _number(data: bytes, at: int, size: int, order: Literal["little", "big"] = "little") -> int:
    """Return an unsigned number; 0 where the data ends before."""
    return int.from_bytes(data[at : at + size], order)


_READERS: tuple[tuple[bytes, Callable[[bytes], Header]], ...] = (
    (b"\xff\xd8", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"GIF8", _gif),
    (b"BM", _bmp),
)
