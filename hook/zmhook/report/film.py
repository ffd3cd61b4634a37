"""Encode frames as a short MP4 or GIF that browsers play."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from zmhook.errors import MissingPart, ReportError

if TYPE_CHECKING:
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

HOLD = 1.0
"""Seconds that the first frame, the one with the boxes, is shown."""
ENCODING_SECONDS = 90
FFMPEG = "ffmpeg"


class Film(NamedTuple):
    """Frames of one even size, BGR `uint8` of shape `(height, width, 3)`; the first one is held.

    `rate` is how many of the others are shown in a second.
    """

    first: Picture
    others: Sequence[Picture]
    rate: float


def fitted(image: Picture, width: int) -> Picture:
    """Return the picture at most so wide, both sides even, as video has them."""
    height, own = image.shape[:2]
    wide = max(2, min(width, own) // 2 * 2)
    high = max(2, round(height * wide / own) // 2 * 2)
    if (wide, high) == (own, height):
        return image
    return np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)


def boxed(image: Picture, width: int, height: int) -> Picture:
    """Return the picture in exactly that size, with black at its sides where its form differs."""
    own_height, own_width = image.shape[:2]
    if (own_width, own_height) == (width, height):
        return image
    scale = min(width / own_width, height / own_height)
    wide = min(width, max(1, round(own_width * scale)))
    high = min(height, max(1, round(own_height * scale)))
    sheet = np.zeros((height, width, 3), np.uint8)
    left, top = (width - wide) // 2, (height - high) // 2
    small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
    sheet[top : top + high, left : left + wide] = small
    return sheet


def as_mp4(film: Film) -> bytes:
    """Encode as H.264 by ffmpeg where that is installed, else as MPEG-4 by OpenCV.

    Browsers play the first alone. Raises `ReportError`.
    """
    with tempfile.TemporaryDirectory(prefix="zmhook-") as folder:
        path = Path(folder, "film.mp4")
        ffmpeg = shutil.which(FFMPEG)
        if not (ffmpeg and _by_ffmpeg(ffmpeg, film, path)):
            _by_opencv(film, path)
        return path.read_bytes()


def as_gif(film: Film, *, fast: bool) -> bytes:
    """Encode as a GIF that runs for ever; `fast` at twice the speed. Raises `MissingPart`."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingPart("animation_types = gif", "Pillow", "face") from None
    with tempfile.TemporaryDirectory(prefix="zmhook-") as folder:
        path = Path(folder, "film.gif")
        # The octree is fifty times as fast as Pillow's usual way, which would take seconds.
        first, *others = (
            Image.fromarray(picture[:, :, ::-1]).quantize(method=Image.Quantize.FASTOCTREE)
            for picture in (film.first, *film.others)
        )
        each = 1000 / film.rate / (2 if fast else 1)
        durations = [round(HOLD * 1000), *[max(20, round(each))] * len(others)]
        first.save(path, save_all=True, append_images=others, duration=durations, loop=0)
        return path.read_bytes()


def _shown(film: Film) -> list[Picture]:
    """Return every frame of a video with a fixed rate."""
    return [film.first] * max(1, round(film.rate * HOLD)) + list(film.others)


def _by_ffmpeg(ffmpeg: str, film: Film, path: Path) -> bool:
    """Return whether ffmpeg could; without an H.264 encoder it cannot."""
    height, width = film.first.shape[:2]
    command = [ffmpeg, "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-video_size", f"{width}x{height}"]
    command += ["-framerate", f"{film.rate:.3f}", "-i", "-", "-an", "-threads", "1"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    command += ["-movflags", "+faststart", str(path)]
    pixels = b"".join(picture.tobytes() for picture in _shown(film))
    try:
        subprocess.run(
            command, input=pixels, capture_output=True, timeout=ENCODING_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _by_opencv(film: Film, path: Path) -> None:
    height, width = film.first.shape[:2]
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), code, film.rate, (width, height))
    try:
        if not writer.isOpened():
            raise ReportError(
                "no film can be encoded: install ffmpeg, or set animation_types = gif"
            )
        for picture in _shown(film):
            writer.write(picture)
    finally:
        writer.release()
