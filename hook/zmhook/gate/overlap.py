"""Which boxes lie in which polygons, and by how much. All pairs at once: it is done per event."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zmhook.detection import Box
    from zmhook.gate.places import Points


def touching(polygons: Sequence[Points], boxes: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Say for each polygon and box whether they share a point, their edges included.

    Of a polygon that crosses itself, what an odd number of its edges surrounds is inside. The
    result has the shape `(polygons, boxes)`.
    """
    parts = [_parts(points) for points in polygons]
    rectangles = _rectangles(boxes)
    edges = np.array([edge for edge, _ in parts])[:, None]
    areas = np.array([area for _, area in parts])[:, None]
    found: npt.NDArray[np.bool_] = shapely.intersects(areas, rectangles)
    rest = ~found
    if rest.any():
        found[rest] = shapely.intersects(
            *(one[rest] for one in np.broadcast_arrays(edges, rectangles))
        )
    return found


def shares(polygons: Sequence[Points], boxes: Sequence[Box]) -> npt.NDArray[np.float64]:
    """Return for each polygon and box which share (0..1) of the box lies in the polygon."""
    rectangles = _rectangles(boxes)
    areas = np.array([_parts(points)[1] for points in polygons])[:, None]
    found = np.zeros((len(polygons), len(boxes)))
    whole = shapely.contains(areas, rectangles)
    found[whole] = 1.0
    some = shapely.intersects(areas, rectangles) & ~whole
    if some.any():
        zones, things = np.broadcast_arrays(areas, rectangles)
        shared = shapely.intersection(zones[some], things[some])
        found[some] = shapely.area(shared) / shapely.area(things[some])
    return found


def standing(polygons: Sequence[Points], boxes: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Say for each polygon and box whether the middle of the box's foot lies in the polygon."""
    feet = shapely.points([((box.x1 + box.x2) / 2, box.y2) for box in boxes])
    areas = np.array([_parts(points)[1] for points in polygons])[:, None]
    found: npt.NDArray[np.bool_] = shapely.intersects(areas, feet)
    return found


def _rectangles(boxes: Sequence[Box]) -> Any:
    corners = np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes], float)
    return shapely.box(*corners.T)


@lru_cache(maxsize=512)
def _parts(points: Points) -> tuple[Any, Any]:
    """Return the edge and the area. Mending a crossing moves the area's edge by a hair."""
    edge, area = shapely.LinearRing(points), shapely.make_valid(shapely.Polygon(points))
    shapely.prepare([edge, area])
    return edge, area
