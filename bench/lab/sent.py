"""Make messages like those of cameras: consolidated tracks with different real photos."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import cv2

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "hook"))

from zmhook.camera.simulated_messages import write  # noqa: E402 - found by the line above
from zmhook.camera.simulated_track import invent  # noqa: E402 - as above

QUALITY = 90
NEAR = 0.1
"""Share by which a picture may be larger or smaller than requested."""
MOST_TRIES = 20


class Sent(NamedTuple):
    """A message of one track, and the hash of the picture in it."""

    payload: bytes
    sha256: str


def pictures(folder: Path, size: int) -> list[bytes]:
    """Return the photos of a folder as JPEG files of about this many bytes."""
    return [_of_size(photo, size) for photo in sorted(folder.glob("*.jpg"))]


def sent(some: list[bytes], seed: int) -> Iterator[Sent]:
    """Yield messages endlessly; each has one of the pictures with a unique JPEG comment."""
    dice = random.Random(seed)
    for number in count():
        picture = _commented(some[number % len(some)], f"{seed}.{number}")
        [message] = write("object_track", invent(dice, time.time(), picture=picture))
        yield Sent(message.payload, hashlib.sha256(picture).hexdigest())


def _of_size(photo: Path, size: int) -> bytes:
    """Scale a photo until its file has the size."""
    image = cv2.imread(str(photo))
    scale = 1.0
    for _ in range(MOST_TRIES):
        scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        if abs(len(data) / size - 1) < NEAR:
            return data
        scale *= (size / len(data)) ** 0.5
    raise SystemExit(f"{photo}: makes no JPEG of {size} bytes")


def _commented(jpeg: bytes, text: str) -> bytes:
    """Insert a comment after the beginning of a JPEG (ITU-T T.81, B.2.4.5)."""
    comment = text.encode()
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
