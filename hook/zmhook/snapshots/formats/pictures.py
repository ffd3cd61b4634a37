"""Decode the pictures in a message, base64 of a JPEG or PNG file."""

from __future__ import annotations

import zlib
from binascii import Error, a2b_base64
from typing import Any

from msgspec import ValidationError, convert

from zmhook.errors import PayloadError, PictureError
from zmhook.image.decode import checked

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"

# JPEG and PNG in base64 begin like this whatever follows.
BASE64 = (b"/9j/", b"_9j_", b"iVBORw0KGg", b"data:image/")

_BEGINS = tuple(start.decode() for start in BASE64)
_HEAD = 64
_NO_BASE64 = "a picture that is no base64"

_URL_SAFE = str.maketrans("-_", "+/", "\t\n\r ")


def is_picture(data: bytes) -> bool:
    return data.startswith((JPEG, PNG))


def is_base64_picture(value: Any) -> bool:
    """Tell whether a value is a text that begins as a picture in base64 does."""
    return isinstance(value, str) and value[:_HEAD].lstrip().startswith(_BEGINS)


def picture(value: Any, origin: str, max_pixels: int) -> bytes:
    """Return the picture's bytes. Raises `PayloadError`, whose line begins with `origin`."""
    if not isinstance(value, str):
        raise PayloadError(_NO_BASE64, f"{origin}: the picture is not a text in base64")
    return sound(decoded(value, origin), origin, max_pixels)


def sound(data: bytes, origin: str, max_pixels: int) -> bytes:
    """Return the bytes when they are a whole picture of not too many pixels."""
    if data and not is_picture(data):
        raise PayloadError("neither JPEG nor PNG", f"{origin}: the picture is neither JPEG nor PNG")
    try:
        return checked(data, "", origin, max_pixels, is_answer=True).data
    except PictureError as error:
        raise PayloadError(
            "a picture cut short" if error.retry else "a picture that cannot be read", str(error)
        ) from None


def decoded(value: str, origin: str) -> bytes:
    """Decode base64 of either alphabet (RFC 4648, 4 and 5), with or without `=` at its end."""
    if value.startswith("data:"):
        value = value.partition(",")[2]
    data = _strictly(value)
    if data is None:
        data = _decoded(value)
    if data is None:
        data = _decoded(value.translate(_URL_SAFE))
    if data is None:
        raise PayloadError(_NO_BASE64, f"{origin}: the picture's base64 is cut short or damaged")
    return data


def _strictly(value: str) -> bytes | None:
    """Decode what is just as RFC 4648, 4 has it, as nearly all is: four times as fast."""
    try:
        return convert(value, bytes)
    except (ValidationError, UnicodeEncodeError):
        return None


def _decoded(value: str) -> bytes | None:
    """Decode what may have no `=` at its end.

    Python's decoder skips what does not belong there, so the length tells whether it did.
    """
    digits = len(value) - value[-2:].count("=")
    missing = -digits % 4
    try:
        data = a2b_base64(value if len(value) % 4 == 0 else value + "=" * missing)
    except (Error, ValueError):
        return None
    return data if len(data) == digits * 3 // 4 else None


def picture_name(picture: bytes) -> str:
    """Return an id for a picture that came without one: the same when it comes again."""
    return f"picture-{zlib.crc32(picture):08x}-{len(picture)}"
