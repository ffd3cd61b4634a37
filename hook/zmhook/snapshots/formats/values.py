"""Read the values of a message: numbers, texts, times, boxes and pictures.

One of the wrong type counts as missing. Times are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from binascii import Error, a2b_base64
from datetime import datetime, timezone
from typing import Any, NamedTuple

from msgspec import ValidationError, convert

from zmhook.errors import PayloadError, PictureError
from zmhook.image.decode import checked
from zmhook.printable import one_line
from zmhook.snapshots.snapshot import SceneBox
from zmhook.text.bounded_json import mapping
from zmhook.text.names import composed

Json = dict[str, Any]

LONGEST_TEXT = 200
LONGEST_ID = 128
LONGEST_LABEL = 64
BIGGEST_ID = 10**30
BIGGEST_CHANNEL = 1_000_000
_SEPARATORS = str.maketrans({"/": "_", "\\": "_"})

AHEAD = 2.0
"""Seconds that a message's times may lie after its arrival before they are corrected."""

LONGEST_TRACK = 7 * 86400.0
"""Seconds; a beginning or an end farther from the picture than this is not believed."""

_EARLIEST = 946_684_800.0  # 2000: before it are clocks that were never set
_LATEST = 253_402_300_800.0  # the year 10000
_MILLISECONDS = 1e11  # as seconds, the year 5138
_LONGEST = 64
_SIDES = ("left", "top", "right", "bottom")

JPEG = b"\xff\xd8\xff"
PNG = b"\x89PNG\r\n\x1a\n"

# JPEG and PNG in base64 begin like this whatever follows.
BASE64 = (b"/9j/", b"_9j_", b"iVBORw0KGg", b"data:image/")

_BEGINS = tuple(start.decode() for start in BASE64)
_HEAD = 64
_NO_BASE64 = "a picture that is no base64"

_URL_SAFE = str.maketrans("-_", "+/", "\t\n\r ")


def number(value: Any) -> float | None:
    """Return a finite number; numbers in quotes count."""
    if type(value) is float:  # nearly all are
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def fraction(value: Any) -> float | None:
    """Return a number from 0 to 1."""
    share = number(value)
    return share if share is not None and 0 <= share <= 1 else None


def at_least_zero(value: Any) -> float | None:
    amount = number(value)
    return amount if amount is not None and amount >= 0 else None


def channel(value: Any) -> int | None:
    """Return a channel's number."""
    parsed = number(value)
    if parsed is None or not parsed.is_integer() or not 0 <= parsed <= BIGGEST_CHANNEL:
        return None
    return int(parsed)


def text(value: Any, longest: int = LONGEST_TEXT) -> str:
    """Return a text on one line, cut to `longest` characters; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return one_line(value, longest, more="")


def label(value: Any) -> str:
    """Return a name that is safe wherever it is shown: it is no path, and short."""
    return composed(text(value, LONGEST_LABEL)).translate(_SEPARATORS)


def identity(value: Any) -> str:
    """Return an id, which may be a number; one that is too long is replaced by its hash."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < BIGGEST_ID else ""
    if isinstance(value, str) and len(value) > LONGEST_ID:
        return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
    return text(value, LONGEST_ID)


class Clock(NamedTuple):
    """The camera's clock: `offset` is the seconds that it is ahead of ours."""

    offset: float = 0.0

    def ours(self, value: Any) -> float | None:
        """Return a time by our clock, None when there is none or it cannot be one."""
        moment = seconds(value)
        return None if moment is None else moment - self.offset


class Times(NamedTuple):
    """When a track was: `ahead` is the seconds that all had to be put back."""

    taken: float
    start: float | None
    end: float | None
    ahead: float = 0.0


def seconds(value: Any) -> float | None:
    """Read ISO 8601 (UTC when it names no zone), or seconds, milli- or microseconds."""
    parsed = _iso(value) if isinstance(value, str) else None
    moment = number(value) if parsed is None else parsed
    if moment is None:
        return None
    while moment >= _MILLISECONDS and parsed is None:
        moment /= 1000
    return moment if _EARLIEST <= moment < _LATEST else None


def _iso(value: str) -> float | None:
    if len(value) > _LONGEST:
        return None
    try:
        moment = convert(value, datetime)
    except ValidationError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def settled(taken: float | None, start: float | None, end: float | None, received: float) -> Times:
    """Correct times: put them in order, and none after the message came.

    Without a time of the picture its track's end stands for it, then the arrival. When a clock is
    ahead, all times are put back by as much, so that how long things took stays right.
    """
    moment = next((known for known in (taken, end) if known is not None), received)
    start, end = _near(start, moment), _near(end, moment)
    ahead = max(moment, end or moment) - received
    back = ahead if ahead > AHEAD else 0.0
    if start is not None and start > max(moment, end or moment):
        start = None
    if end is not None and end < (moment if start is None else start) - AHEAD:
        end = None
    return Times(
        moment - back,
        None if start is None else start - back,
        None if end is None else end - back,
        round(back, 3),
    )


def _near(moment: float | None, to: float) -> float | None:
    return moment if moment is not None and abs(moment - to) <= LONGEST_TRACK else None


def scene_box(value: Any) -> SceneBox | None:
    """Read left, top, right, bottom; clipped to the scene. None for a box that is none."""
    left, top, right, bottom = map(number, map(mapping(value).get, _SIDES))
    if left is None or top is None or right is None or bottom is None:
        return None
    box = SceneBox(*map(clipped, (left, top, right, bottom)))
    return box if box.left < box.right and box.top < box.bottom else None


def box_of(content: Json, *names: str) -> SceneBox | None:
    """Return the first of the boxes with these names that is one."""
    boxes = (scene_box(content[name]) for name in names if name in content)
    return next(filter(None, boxes), None)


def clipped(side: float) -> float:
    if side < 0.0:
        return 0.0
    return min(side, 1.0)


# -- pictures, base64 of a JPEG or PNG file -------------------------------------------------------


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
