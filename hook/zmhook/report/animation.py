"""Make objdetect.mp4 and objdetect.gif, a short animation around the chosen frame.

Made in the background. The frames come from the event's folder, from its video, or from the
portal, whichever has them; while the event still records they may not be there yet, and the job
is tried again.
"""

from __future__ import annotations

import logging
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from zmhook.errors import MissingPart, NotYet, ReportError
from zmhook.image.resize import resized
from zmhook.render.picture import annotated
from zmhook.report import event_folder
from zmhook.report.footage import Footage, footage_of
from zmhook.storage import atomic

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.jobs.work import Work

    Picture = npt.NDArray[np.uint8]

log = logging.getLogger(__name__)

BEFORE, AFTER = 4.0, 6.0
"""Seconds of the film before and after the frame that answered."""
MOST_FRAMES = 80
MOST_PIXELS = 42_000_000
"""Of all frames together: they are in memory at once."""
FEWEST = 2
FASTEST = 30.0
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


def run(work: Work) -> None:
    """Write what `animation_types` names into the event's folder.

    Raises `NotYet` when the frames are not there yet, `ReportError`, `MissingPart`.
    """
    name = event_folder(work.decision.event, work.settings.general)
    folder = Path(name)
    if not name or not folder.is_dir():
        log.debug("%s: no animation: its folder is not on this machine", work.decision.event)
        return
    film = _film(work, folder)
    animation = work.settings.animation
    for kind in animation.animation_types:
        data = as_mp4(film) if kind == "mp4" else as_gif(film, fast=animation.fast_gif)
        path = folder / f"objdetect.{kind}"
        try:
            atomic.write_to_event(path, data)
        except OSError as error:
            raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from None
        log.debug("wrote %s (%d frames, %d bytes)", path, len(film.others), len(data))


def _film(work: Work, folder: Path) -> Film:
    if work.frame is None:
        raise ReportError("there is no picture to begin an animation with")
    width = work.settings.animation.animation_width
    most = most_frames(fitted(work.frame.image, width))
    footage = footage_of(work, folder)
    if footage is None:
        raise NotYet(f"{folder}: neither the event's frames nor its video are there yet")
    numbers = chosen(footage, most)
    if footage.grows and not _reaches_end(footage) and not _is_last_attempt(work):
        raise NotYet(f"{folder}: the frames after the alarm are not there yet")
    others = _of_one_size(footage, numbers, width)
    if len(others) < FEWEST:
        raise NotYet(f"{folder}: the event's frames cannot be read yet")
    drawn = annotated(work.frame, work.decision, work.settings)
    seconds = (numbers[-1] - numbers[0]) / footage.rate
    rate = min(FASTEST, max(1.0, (len(others) - 1) / max(seconds, 0.1)))
    return Film(boxed(drawn, others[0].shape[1], others[0].shape[0]), others, rate)


def _of_one_size(footage: Footage, numbers: list[int], width: int) -> list[Picture]:
    pictures: list[Picture] = []
    for image in footage.frames(numbers):
        size = pictures[0].shape if pictures else fitted(image, width).shape
        pictures.append(boxed(image, size[1], size[0]))
    return pictures


def chosen(footage: Footage, most: int) -> list[int]:
    """Return the numbers of the frames to show, in order, around the chosen one."""
    begin = max(footage.first, round(footage.at - BEFORE * footage.rate))
    end = min(footage.last, round(footage.at + AFTER * footage.rate))
    begin = min(begin, end)
    step = max(1, math.ceil((end - begin + 1) / most))
    return list(range(begin, end + 1, step))


def _reaches_end(footage: Footage) -> bool:
    return footage.last >= round(footage.at + AFTER * footage.rate)


def most_frames(picture: Picture) -> int:
    """Return how many frames of a picture's size there may be."""
    pixels = int(picture.shape[0]) * int(picture.shape[1])
    return max(FEWEST, min(MOST_FRAMES, MOST_PIXELS // pixels))


def _is_last_attempt(work: Work) -> bool:
    """Say whether what there is now has to do; `tries` does not count this attempt."""
    return work.unit is None or work.unit.tries + 1 >= work.settings.animation.animation_max_tries


# -- the film --------------------------------------------------------------------------------------


def fitted(image: Picture, width: int) -> Picture:
    """Return the picture at most so wide, both sides even, as video has them."""
    height, own = image.shape[:2]
    wide = max(2, min(width, own) // 2 * 2)
    high = max(2, round(height * wide / own) // 2 * 2)
    if (wide, high) == (own, height):
        return image
    return resized(image, wide, high)


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
    sheet[top : top + high, left : left + wide] = resized(image, wide, high)
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
