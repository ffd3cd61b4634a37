"""Compute which boxes lie in which polygons and by how much, for all pairs at once.

Most pairs are far apart, which their bounds show; only the others go through Shapely.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from zmhook.gate.zones import PictureZone
from zmhook.text.numbers import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zmhook.detection import Box, Detection
    from zmhook.gate.zones import Points
    from zmhook.settings import Gate


MIN_SHARE = 1e-9
"""Share of a box that must lie in a zone in any case."""


class Overlap(NamedTuple):
    """A zone that a detection lies in, and the share (0..1) of its box in it (1 if unused)."""

    zone: PictureZone
    share: float


def zones_of(
    detections: Sequence[Detection], zones: Sequence[PictureZone], gate: Gate
) -> list[list[Overlap]]:
    """Return for each detection the zones that it lies in, in their order."""
    polygons, boxes = [zone.points for zone in zones], [detection.box for detection in detections]
    if gate.zone_anchor == "foot":
        inside = foot_inside(polygons, boxes).T.astype(float)
    elif gate.zone_min_overlap or gate.zone_match_strategy == "largest_overlap":
        inside = shares(polygons, boxes).T
    else:
        inside = intersecting(polygons, boxes).T.astype(float)
    rows: list[list[Overlap]] = [[] for _ in detections]
    which = (inside >= max(gate.zone_min_overlap - ROUNDING, MIN_SHARE)).nonzero()
    for i, number, share in zip(
        *(values.tolist() for values in (*which, inside[which])), strict=True
    ):
        rows[i].append(Overlap(zones[number], share))
    return rows


def intersecting(polygons: Sequence[Points], boxes: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Return for each polygon and box whether they share a point, their edges included.

    Of a polygon that crosses itself, what an odd number of its edges surrounds is inside. The
    result has the shape `(polygons, boxes)`.
    """
    result, zones, things = _near(polygons, boxes)
    edges, areas = (np.array(shapes)[zones] for shapes in zip(*map(_parts, polygons), strict=True))
    rectangles = _rectangles(boxes)[things]
    touch = shapely.intersects(areas, rectangles)
    touch[~touch] = shapely.intersects(edges[~touch], rectangles[~touch])
    result[zones, things] = touch
    return result


def shares(polygons: Sequence[Points], boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return for each polygon and box which share (0..1) of the box lies in the polygon."""
    near, zones, things = _near(polygons, boxes)
    areas, rectangles = _areas(polygons)[zones], _rectangles(boxes)[things]
    share = np.array(shapely.contains(areas, rectangles), float)
    some = shapely.intersects(areas, rectangles) & (share == 0)
    shared = shapely.intersection(areas[some], rectangles[some])
    share[some] = shapely.area(shared) / shapely.area(rectangles[some])
    result = np.zeros(near.shape)
    result[zones, things] = share
    return result


def foot_inside(polygons: Sequence[Points], boxes: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Return for each polygon and box whether the middle of the box's foot lies in the polygon."""
    feet = shapely.points([((box.x1 + box.x2) / 2, box.y2) for box in boxes])
    result, zones, things = _near(polygons, boxes)
    result[zones, things] = shapely.intersects(_areas(polygons)[zones], feet[things])
    return result


def _near(
    polygons: Sequence[Points], boxes: Sequence[Box]
) -> tuple[npt.NDArray[np.bool_], Any, Any]:
    """Return for each pair whether their bounds share a point, and the numbers of those that do."""
    left, top, right, bottom = np.array([_bounds(points) for points in polygons]).T[:, :, None]
    x1, y1, x2, y2 = _corners(boxes)
    near: npt.NDArray[np.bool_] = (left <= x2) & (x1 <= right) & (top <= y2) & (y1 <= bottom)
    zones, things = near.nonzero()
    return near, zones, things


@lru_cache(maxsize=512)
def _bounds(points: Points) -> tuple[float, float, float, float]:
    across, down = zip(*points, strict=True)
    return min(across), min(down), max(across), max(down)


def _corners(boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return the coordinates of the four sides, one row each."""
    sides = ([getattr(box, side) for box in boxes] for side in ("x1", "y1", "x2", "y2"))
    return np.array(list(sides), np.float64)


def _rectangles(boxes: Sequence[Box]) -> Any:
    return shapely.box(*_corners(boxes))


def _areas(polygons: Sequence[Points]) -> Any:
    return np.array([_parts(points)[1] for points in polygons])


@lru_cache(maxsize=512)
def _parts(points: Points) -> tuple[Any, Any]:
    """Return the edge and the area. Mending a crossing moves the area's edge by a hair."""
    edge, area = shapely.LinearRing(points), shapely.make_valid(shapely.Polygon(points))
    shapely.prepare([edge, area])
    return edge, area
