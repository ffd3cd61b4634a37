"""Simulate tracks in real photos: each photo is a scene, a part of it the best snapshot."""

from __future__ import annotations

from functools import lru_cache
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zmhook.camera.simulate.track import SimulatedTrack, invent, with_margin
from zmhook.errors import CameraError
from zmhook.image.decode import decode
from zmhook.settings import General
from zmhook.snapshots.snapshot import SceneBox
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

ENDINGS = (".jpg", ".jpeg", ".png")
MOST_PHOTOS = 1000
LARGEST = 64 * 1024 * 1024
QUALITY = 90
LEAST_PIXELS = 24
"""Nothing narrower or lower is cut out."""

HEADS = 0.3
"""How many of the people have a track of their own for the head, as cameras make it."""

HUMAN, HEAD = "Human", "Head"


class SceneChoice(NamedTuple):
    """Fixed instead of invented: the class, and the box in the photo."""

    label: str | None = None
    box: SceneBox | None = None
    channel: int = 1


def photos(paths: Iterable[str]) -> list[Path]:
    """Return the pictures that the paths name, those of a folder in order. Raises `CameraError`."""
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = (file for file in path.iterdir() if file.suffix.lower() in ENDINGS)
            files += sorted(file for file in inside if file.is_file())
        elif path.is_file():
            files.append(path)
        else:
            raise CameraError(f"{path}: there is no such file or folder")
    if not files:
        raise CameraError(f"{', '.join(paths)}: there are no pictures ({', '.join(ENDINGS)})")
    return files[:MOST_PHOTOS]


def tracks(
    files: list[Path], dice: random.Random, count: int, now: Iterator[float], choice: SceneChoice
) -> Iterator[list[SimulatedTrack]]:
    """Yield `count` times what a camera sees at once: a track, or a person's and its head's.

    `now` says when each ends. Raises `FrameError` or `CameraError` for a file that is no picture.
    """
    for file in islice(cycle(files), count):
        scene = _scene(file)
        first = _track(scene, dice, next(now), choice.label, choice.box, choice.channel)
        alone = first.classes[0].name != HUMAN or dice.random() >= HEADS
        yield [first] if alone else [first, _head(scene, dice, first)]


def cut(scene: npt.NDArray[np.uint8], crop: SceneBox) -> bytes:
    """Return a part of a BGR picture of shape `(height, width, 3)` as a JPEG."""
    import cv2

    height, width = scene.shape[:2]
    left, right = _span(crop.left, crop.right, width)
    top, bottom = _span(crop.top, crop.bottom, height)
    _, data = cv2.imencode(
        ".jpg", scene[top:bottom, left:right], [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    return data.tobytes()


def _span(low: float, high: float, pixels: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last: enough to see something."""
    first, last = int(low * pixels), round(high * pixels)
    least = min(LEAST_PIXELS, pixels)
    first = max(0, min(first, pixels - least))
    return first, max(last, first + least)


def _track(
    scene: npt.NDArray[np.uint8],
    dice: random.Random,
    now: float,
    label: str | None,
    box: SceneBox | None,
    channel: int,
) -> SimulatedTrack:
    track = invent(b"", dice, now, label=label, box=box or _box(dice), channel=channel)
    return _with_picture(track, scene)


def _head(
    scene: npt.NDArray[np.uint8], dice: random.Random, body: SimulatedTrack
) -> SimulatedTrack:
    """Return the track of a person's head: the same walk, a name of its own."""
    whole = body.taken.box
    box = SceneBox(
        whole.left + 0.3 * whole.width,
        whole.top,
        whole.right - 0.3 * whole.width,
        whole.top + 0.2 * whole.height,
    )
    track = invent(
        b"",
        dice,
        body.end + 1.0,
        label=HEAD,
        box=box,
        duration=body.end - body.start,
        channel=body.channel,
    )
    return _with_picture(track, scene)


def _with_picture(track: SimulatedTrack, scene: npt.NDArray[np.uint8]) -> SimulatedTrack:
    from msgspec import structs

    crop = with_margin(track.taken.box)
    return structs.replace(track, crop=crop, picture=cut(scene, crop))


def _box(dice: random.Random) -> SceneBox:
    width, height = dice.uniform(0.15, 0.45), dice.uniform(0.3, 0.7)
    left, top = dice.uniform(0.0, 1.0 - width), dice.uniform(0.0, 1.0 - height)
    return SceneBox(left, top, left + width, top + height)


@lru_cache(maxsize=4)
def _scene(file: Path) -> npt.NDArray[np.uint8]:
    try:
        with reading(file, follow=True) as opened:
            data = opened.read(LARGEST)
    except OSError as error:
        raise CameraError(f"{file}: cannot be read ({error.strerror})") from None
    return decode(data, str(file), General().max_picture_pixels)
