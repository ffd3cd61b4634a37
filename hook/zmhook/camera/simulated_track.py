"""Invent tracked objects in photos: each photo is a scene, a part of it the best snapshot."""

from __future__ import annotations

import time
import uuid
from functools import lru_cache
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, structs

from zmhook.errors import CameraError
from zmhook.image.decode import decode
from zmhook.settings import General
from zmhook.snapshots.snapshot import SceneBox
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

ENDINGS = (".jpg", ".jpeg", ".png")
MOST_PHOTOS = 1000
LARGEST = 64 * 1024 * 1024
QUALITY = 90
LEAST_PIXELS = 24
"""Nothing narrower or lower is cut out."""

MARGIN = 0.1
"""How much of the box's width a camera leaves on every side of a snapshot (Axis, `margin`)."""

STEP = 0.4
LATENCY = 1.0
DIGITS = 4

COLOURS = ("White", "Gray", "Black", "Red", "Blue", "Green", "Yellow")
LIKELY = {"Human": 10, "Car": 8, "Bike": 3, "Truck": 2, "Bus": 1, "Vehicle": 1}
"""The classes that are invented, and how often each is."""

HUMAN, HEAD = "Human", "Head"
COLOURLESS = (HEAD, "Face", "LicensePlate", "Bike")
HEADS = 0.3
"""How many of the people have a track of their own for the head, as cameras make it."""


class PathPoint(NamedTuple):
    """Where it was at a time: seconds since the epoch, UTC."""

    time: float
    box: SceneBox


class SimulatedTrack(Struct, frozen=True, kw_only=True):
    """A track with its picture, a JPEG or PNG file. The picture was taken at `path[best]`.

    `classification` is as the older formats write it: `type`, `score` (0..1), lists of colours,
    and attributes such as `face_visible`.
    """

    track_id: str
    snapshot_id: str
    part_id: str
    picture: bytes
    classification: dict[str, Any]
    path: list[PathPoint]
    best: int
    camera: str = "simulated"

    @property
    def label(self) -> str:
        return str(self.classification["type"])

    @property
    def score(self) -> float:
        return float(self.classification["score"])

    @property
    def start(self) -> float:
        return self.path[0].time

    @property
    def end(self) -> float:
        return self.path[-1].time

    @property
    def taken(self) -> PathPoint:
        return self.path[self.best]

    @property
    def crop(self) -> SceneBox:
        """Where the picture is in the scene."""
        return with_margin(self.taken.box)


# -- in photos -----------------------------------------------------------------------------------


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
    files: list[Path],
    dice: random.Random,
    count: int,
    clock: Callable[[], float] = time.time,
    **known: Any,
) -> Iterator[list[SimulatedTrack]]:
    """Yield `count` times what a camera sees at once: a track, or a person's and its head's.

    `known` is what is not invented (see `invent`). Raises `FrameError` or `CameraError` for a
    file that is no picture.
    """
    for file in islice(cycle(files), count):
        scene = _scene(file)
        first = invent(dice, clock(), **known)
        has_head = first.label == HUMAN and dice.random() < HEADS
        together = [first, _head(first, dice)] if has_head else [first]
        yield [structs.replace(track, picture=cut(scene, track.crop)) for track in together]


def cut(scene: npt.NDArray[np.uint8], crop: SceneBox) -> bytes:
    """Return a part of a BGR picture of shape `(height, width, 3)` as a JPEG."""
    from zmhook.image.jpeg import jpeg

    height, width = scene.shape[:2]
    left, right = _span(crop.left, crop.right, width)
    top, bottom = _span(crop.top, crop.bottom, height)
    return jpeg(scene[top:bottom, left:right], QUALITY)


def _span(low: float, high: float, pixels: int) -> tuple[int, int]:
    first, last = int(low * pixels), round(high * pixels)
    least = min(LEAST_PIXELS, pixels)
    first = max(0, min(first, pixels - least))
    return first, max(last, first + least)


def _head(body: SimulatedTrack, dice: random.Random) -> SimulatedTrack:
    """Return the track of a person's head: the same walk, a name of its own."""
    whole = body.taken.box
    side = 0.3 * whole.width
    box = SceneBox(whole.left + side, whole.top, whole.right - side, whole.top + 0.2 * whole.height)
    lasted = body.end - body.start
    now = body.end + LATENCY
    return invent(dice, now, label=HEAD, box=box, duration=lasted, camera=body.camera)


@lru_cache(maxsize=4)
def _scene(file: Path) -> npt.NDArray[np.uint8]:
    try:
        with reading(file, follow=True) as opened:
            data = opened.read(LARGEST)
    except OSError as error:
        raise CameraError(f"{file}: cannot be read ({error.strerror})") from None
    return decode(data, str(file), General().max_picture_pixels)


# -- inventing -----------------------------------------------------------------------------------


def invent(
    dice: random.Random,
    now: float,
    *,
    label: str | None = None,
    box: SceneBox | None = None,
    duration: float | None = None,
    picture: bytes = b"",
    camera: str = "simulated",
) -> SimulatedTrack:
    """Return a track that ended a second before `now`, whose best snapshot is `picture`.

    What is not given is invented: the same dice give the same track. `box` is where the object
    was when its picture was taken.
    """
    # Everything is rolled, given or not, so that fixing one thing does not change the others.
    ids = [_uuid(dice) for _ in range(3)]
    [kind] = dice.choices(list(LIKELY), list(LIKELY.values()))
    rolled, position = round(dice.uniform(2.5, 12.0), 3), _position(dice)
    lasted = rolled if duration is None else duration
    path, best = _path(box or position, now - LATENCY - lasted, lasted, dice)
    return SimulatedTrack(
        track_id=ids[0],
        snapshot_id=ids[1],
        part_id=ids[2],
        picture=picture,
        classification=_class(label or kind, dice),
        path=path,
        best=best,
        camera=camera,
    )


def with_margin(box: SceneBox) -> SceneBox:
    """Return the place of a snapshot of what is in `box`, as a camera cuts it."""
    edge = MARGIN * box.width
    return _rounded(
        max(box.left - edge, 0.0),
        max(box.top - edge, 0.0),
        min(box.right + edge, 1.0),
        min(box.bottom + edge, 1.0),
    )


def _path(
    box_there: SceneBox, start: float, lasted: float, dice: random.Random
) -> tuple[list[PathPoint], int]:
    """Move through a box in a straight line, and say which point of the path is the one there."""
    count = max(2, min(60, round(lasted / STEP) + 1))
    best = dice.randrange(count)
    across, down = dice.uniform(-0.4, 0.4) / count, dice.uniform(-0.1, 0.1) / count
    points = [
        PathPoint(
            start + lasted * n / (count - 1),
            _moved(box_there, (n - best) * across, (n - best) * down),
        )
        for n in range(count)
    ]
    return points, best


def _moved(box: SceneBox, across: float, down: float) -> SceneBox:
    """Return the box elsewhere in the scene, of the same size."""
    across = min(max(across, -box.left), 1.0 - box.right)
    down = min(max(down, -box.top), 1.0 - box.bottom)
    return _rounded(box.left + across, box.top + down, box.right + across, box.bottom + down)


def _position(dice: random.Random) -> SceneBox:
    width, height = dice.uniform(0.15, 0.45), dice.uniform(0.3, 0.7)
    left, top = dice.uniform(0.0, 1.0 - width), dice.uniform(0.0, 1.0 - height)
    return SceneBox(left, top, left + width, top + height)


def _class(label: str, dice: random.Random) -> dict[str, Any]:
    score = round(dice.uniform(0.55, 0.97), DIGITS)
    return {"type": label, "score": score, **_colours(label, dice), **_attributes(label, dice)}


def _colours(label: str, dice: random.Random) -> dict[str, list[dict[str, Any]]]:
    upper, lower = _two_colours(dice), _two_colours(dice)
    if label == HUMAN:
        return {"upper_clothing_colors": upper, "lower_clothing_colors": lower[:1]}
    return {} if label in COLOURLESS else {"colors": upper}


def _two_colours(dice: random.Random) -> list[dict[str, Any]]:
    first, second = dice.sample(COLOURS, 2)
    score = round(dice.uniform(0.5, 0.9), DIGITS)
    rest = round((1 - score) / 2, DIGITS)
    return [{"name": first, "score": score}, {"name": second, "score": rest}]


def _attributes(label: str, dice: random.Random) -> dict[str, bool]:
    visible = dice.random() < 0.5  # noqa: PLR2004 - as often as not
    return {"face_visible": visible} if label == HEAD else {}


def _rounded(*edges: float) -> SceneBox:
    """As many digits as a camera writes, so that a box read back equals the one here."""
    return SceneBox(*(round(edge, DIGITS) for edge in edges))


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))
