"""Read boxes: where the object is in the scene, and where its picture is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.snapshots.formats.values import mapping, number
from zmhook.snapshots.snapshot import SceneBox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.snapshots.formats.values import Json

MARGIN = 0.1
"""What a camera adds on each side of the object for its picture, as a share of the object."""

_SIDES = ("left", "top", "right", "bottom")


class Sighting(NamedTuple):
    """Where the object was at a time, which is still as the message has it."""

    timestamp: Any
    box: SceneBox | None


def scene_box(value: Any) -> SceneBox | None:
    """Read left, top, right, bottom; clipped to the scene. None for a box that is none."""
    left, top, right, bottom = map(number, map(mapping(value).get, _SIDES))
    if left is None or top is None or right is None or bottom is None:
        return None
    box = SceneBox(_clip(left), _clip(top), _clip(right), _clip(bottom))
    return box if box.left < box.right and box.top < box.bottom else None


def box_of(content: Json, *names: str) -> SceneBox | None:
    """Return the first of the boxes with these names that is one."""
    boxes = (scene_box(content[name]) for name in names if name in content)
    return next(filter(None, boxes), None)


def nearest(path: Iterable[Json], crop: SceneBox) -> Sighting | None:
    """Return the sighting that the picture shows: the path's box closest to the crop's.

    A crop is the box with a margin on each side, or the box itself where the camera's margin is
    off; both are compared. None when the path has no boxes.
    """
    sightings = [
        Sighting(step.get("timestamp"), scene_box(step.get("bounding_box"))) for step in path
    ]
    boxed = [sighting for sighting in sightings if sighting.box]
    return min(boxed, key=lambda sighting: _distance(sighting.box, crop), default=None)


def _distance(box: SceneBox | None, crop: SceneBox) -> float:
    if box is None:
        return float("inf")
    return min(_apart(box, crop), _apart(_grown(box), crop))


def _grown(box: SceneBox) -> SceneBox:
    wide, high = box.width * MARGIN, box.height * MARGIN
    return SceneBox(
        _clip(box.left - wide),
        _clip(box.top - high),
        _clip(box.right + wide),
        _clip(box.bottom + high),
    )


def _apart(box: SceneBox, other: SceneBox) -> float:
    return (
        abs(box.left - other.left)
        + abs(box.top - other.top)
        + abs(box.right - other.right)
        + abs(box.bottom - other.bottom)
    )


def _clip(side: float) -> float:
    if side < 0.0:
        return 0.0
    return min(side, 1.0)
