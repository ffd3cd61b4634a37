"""Invent tracked objects: their path, classes and picture."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from zmhook.snapshots.snapshot import Attribute, SceneBox

if TYPE_CHECKING:
    import random

MARGIN = 0.1
"""How much of the box's width a camera leaves on every side of a snapshot (Axis, `margin`)."""

STEP = 0.4
LATENCY = 1.0
DIGITS = 4

COLOURS = ("White", "Gray", "Black", "Red", "Blue", "Green", "Yellow")
LIKELY = {"Human": 10, "Car": 8, "Bike": 3, "Truck": 2, "Bus": 1, "Vehicle": 1}
"""The classes that are invented, and how often each is."""

ALSO = {
    "Car": ("Truck", "VehicleOther"),
    "Truck": ("Car", "VehicleOther"),
    "Bus": ("Truck", "VehicleOther"),
    "Bike": ("Human",),
}
"""What else a camera takes such an object for, with what is left of the score."""


class SimulatedColour(NamedTuple):
    """A colour as the older formats write it (`White`), and its score 0..1."""

    name: str
    score: float


class ObjectClass(Struct, frozen=True, kw_only=True):
    """One class of a track, its score 0..1, and what belongs to it.

    `colours` has lists under the vendor's names: `colors`, `upper_clothing_colors`,
    `lower_clothing_colors`; `attributes` the rest, such as `face_visible`.
    """

    name: str
    score: float
    colours: dict[str, tuple[SimulatedColour, ...]] = {}
    attributes: dict[str, Attribute] = {}


class PathPoint(NamedTuple):
    """Where it was at a time: seconds since the epoch, UTC."""

    time: float
    box: SceneBox


class SimulatedTrack(Struct, frozen=True, kw_only=True):
    """A track with its picture, a JPEG or PNG file. The picture was taken at `path[best]`."""

    track_id: str
    picture: bytes
    classes: tuple[ObjectClass, ...]
    path: tuple[PathPoint, ...]
    best: int
    crop: SceneBox
    channel: int = 1
    snapshot_id: str = ""
    part_id: str = ""

    @property
    def start(self) -> float:
        return self.path[0].time

    @property
    def end(self) -> float:
        return self.path[-1].time

    @property
    def taken(self) -> PathPoint:
        return self.path[self.best]


def invent(
    picture: bytes,
    dice: random.Random,
    now: float,
    *,
    label: str | None = None,
    score: float | None = None,
    duration: float | None = None,
    box: SceneBox | None = None,
    crop: SceneBox | None = None,
    track_id: str | None = None,
    channel: int = 1,
) -> SimulatedTrack:
    """Return a track that ended a second before `now`, and show `picture` as its best.

    What is not given is invented: the same dice give the same track.
    """
    # Everything is rolled, given or not, so that fixing one thing does not change the others.
    own_id, snapshot_id, part_id = _uuid(dice), _uuid(dice), _uuid(dice)
    kind = _likely(dice)
    classes = _classes(label or kind, dice, score)
    lasted = round(dice.uniform(2.5, 12.0), 3) if duration is None else duration
    box_there = box or _without_margin(crop) or _position(dice)
    path, best = _path(box_there, now - LATENCY - lasted, lasted, dice)
    return SimulatedTrack(
        track_id=track_id or own_id,
        picture=picture,
        classes=classes,
        path=path,
        best=best,
        crop=_rounded(crop or with_margin(box_there)),
        channel=channel,
        snapshot_id=snapshot_id,
        part_id=part_id,
    )


def with_margin(box: SceneBox) -> SceneBox:
    """Return the place of a snapshot of what is in `box`, as a camera cuts it."""
    edge = MARGIN * box.width
    return _rounded(
        SceneBox(
            max(box.left - edge, 0.0),
            max(box.top - edge, 0.0),
            min(box.right + edge, 1.0),
            min(box.bottom + edge, 1.0),
        )
    )


def _without_margin(crop: SceneBox | None) -> SceneBox | None:
    """Return the box whose snapshot covers `crop`, where no edge of the scene cut it."""
    if crop is None:
        return None
    edge = crop.width * MARGIN / (1 + 2 * MARGIN)
    edge = min(edge, crop.height / 4)
    return _rounded(
        SceneBox(crop.left + edge, crop.top + edge, crop.right - edge, crop.bottom - edge)
    )


def _path(
    box_there: SceneBox, start: float, lasted: float, dice: random.Random
) -> tuple[tuple[PathPoint, ...], int]:
    """Move through `place` in a straight line, and say which sight is the one there."""
    count = max(2, min(60, round(lasted / STEP) + 1))
    best = dice.randrange(count)
    across, down = dice.uniform(-0.4, 0.4) / count, dice.uniform(-0.1, 0.1) / count
    sights = (
        PathPoint(
            start + lasted * n / (count - 1),
            _moved(box_there, (n - best) * across, (n - best) * down),
        )
        for n in range(count)
    )
    return tuple(sights), best


def _moved(box: SceneBox, across: float, down: float) -> SceneBox:
    """Return the box elsewhere in the scene, of the same size."""
    across = min(max(across, -box.left), 1.0 - box.right)
    down = min(max(down, -box.top), 1.0 - box.bottom)
    return _rounded(
        SceneBox(box.left + across, box.top + down, box.right + across, box.bottom + down)
    )


def _position(dice: random.Random) -> SceneBox:
    width, height = dice.uniform(0.05, 0.3), dice.uniform(0.1, 0.5)
    left, top = dice.uniform(0.0, 1.0 - width), dice.uniform(0.0, 1.0 - height)
    return _rounded(SceneBox(left, top, left + width, top + height))


def _likely(dice: random.Random) -> str:
    return dice.choices(list(LIKELY), list(LIKELY.values()))[0]


def _classes(label: str, dice: random.Random, score: float | None) -> tuple[ObjectClass, ...]:
    """Return the class and what else it may be; the scores are one together, at most."""
    rolled = round(dice.uniform(0.55, 0.97), DIGITS)
    top = rolled if score is None else score
    first = ObjectClass(
        name=label, score=top, colours=_colours(label, dice), attributes=_attributes(label, dice)
    )
    rest = 1.0 - top
    others = (
        ObjectClass(name=other, score=round(rest / 2**n, DIGITS))
        for n, other in enumerate(ALSO.get(label, ()), start=1)
    )
    return (first, *others)


def _colours(label: str, dice: random.Random) -> dict[str, tuple[SimulatedColour, ...]]:
    upper, lower = _two_colours(dice), _two_colours(dice)
    if label == "Human":
        return {"upper_clothing_colors": upper, "lower_clothing_colors": lower[:1]}
    if label in ("Head", "Face", "LicensePlate", "Bike"):
        return {}
    return {"colors": upper}


def _two_colours(dice: random.Random) -> tuple[SimulatedColour, ...]:
    first, second = dice.sample(COLOURS, 2)
    score = round(dice.uniform(0.5, 0.9), DIGITS)
    return SimulatedColour(first, score), SimulatedColour(second, round((1 - score) / 2, DIGITS))


def _attributes(label: str, dice: random.Random) -> dict[str, Attribute]:
    visible = dice.random() < 0.5  # noqa: PLR2004 - as often as not
    return {"face_visible": visible} if label == "Head" else {}


def _rounded(box: SceneBox) -> SceneBox:
    """As many digits as a camera writes, so that a box read back equals the one here."""
    return SceneBox(*(round(edge, DIGITS) for edge in (box.left, box.top, box.right, box.bottom)))


def _uuid(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))
