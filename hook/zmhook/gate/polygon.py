"""Does a box touch a polygon? Worked out here, since a geometry library costs start-up time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.detection import Box

    Point = tuple[int, int]


def touches(points: Sequence[Point], box: Box) -> bool:
    """Say whether the box and the polygon share a point, their edges included.

    A polygon that crosses itself holds what an odd number of its edges surrounds.
    """
    return any(_meets(a, b, box) for a, b in _edges(points)) or _holds(points, box.x1, box.y1)


def _edges(points: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    return zip(points, [*points[1:], points[0]], strict=True)


def _meets(a: Point, b: Point, box: Box) -> bool:
    """Clip the line from a to b by each side of the box (Liang and Barsky, 1984)."""
    first, last = 0.0, 1.0
    across, down = b[0] - a[0], b[1] - a[1]
    sides = (
        (-across, a[0] - box.x1),
        (across, box.x2 - a[0]),
        (-down, a[1] - box.y1),
        (down, box.y2 - a[1]),
    )
    for towards, distance in sides:
        if towards == 0:
            if distance < 0:
                return False
        elif towards < 0:
            first = max(first, distance / towards)
        else:
            last = min(last, distance / towards)
    return first <= last


def _holds(points: Sequence[Point], x: int, y: int) -> bool:
    """Count the edges to the right of a point: an odd number surrounds it."""
    inside = False
    for (ax, ay), (bx, by) in _edges(points):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside
