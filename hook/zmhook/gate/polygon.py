"""Does a box touch a polygon?"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zmhook.detection import Box

    Points = tuple[tuple[float, float], ...]


def touches(points: Points, box: Box) -> bool:
    """Say whether the box and the polygon share a point, their edges included.

    Of a polygon that crosses itself, what an odd number of its edges surrounds is inside.
    """
    import shapely  # 10 ms, for monitors with zones only

    rectangle = shapely.box(box.x1, box.y1, box.x2, box.y2)
    return any(part.intersects(rectangle) for part in _parts(points))


@lru_cache(maxsize=256)
def _parts(points: Points) -> tuple[Any, Any]:
    """Return the edge and the area. Mending a crossing moves the area's edge by a hair."""
    import shapely

    return shapely.LinearRing(points), shapely.make_valid(shapely.Polygon(points))
