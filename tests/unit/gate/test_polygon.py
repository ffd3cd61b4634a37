from __future__ import annotations

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box
from zmhook.gate.polygon import touches

SQUARE = ((10, 10), (20, 10), (20, 20), (10, 20))
# A U that is open above, between x 4 and 6.
CUP = ((0, 0), (4, 0), (4, 8), (6, 8), (6, 0), (10, 0), (10, 10), (0, 10))
BOW = ((0, 0), (10, 10), (10, 0), (0, 10))


@pytest.mark.parametrize(
    ("points", "box", "expected"),
    [
        (SQUARE, Box(12, 12, 14, 14), True),  # inside
        (SQUARE, Box(0, 0, 100, 100), True),  # around
        (SQUARE, Box(15, 0, 16, 100), True),  # across
        (SQUARE, Box(18, 18, 30, 30), True),  # over a corner
        (SQUARE, Box(20, 12, 30, 14), True),  # along an edge
        (SQUARE, Box(20, 20, 30, 30), True),  # corner to corner
        (SQUARE, Box(21, 12, 30, 14), False),
        (SQUARE, Box(0, 0, 9, 100), False),
        (SQUARE, Box(0, 21, 100, 30), False),
        (CUP, Box(5, 1, 6, 3), True),
        (CUP, Box(5, -5, 5, 7), False),
        (CUP, Box(1, 1, 3, 3), True),
        (BOW, Box(4, 1, 6, 2), False),
        (BOW, Box(1, 4, 2, 6), True),
        (((0, 0), (10, 0), (20, 0)), Box(5, 0, 6, 5), True),  # no area
        (((0, 0), (10, 0), (20, 0)), Box(5, 1, 6, 5), False),
    ],
)
def test_touches(points: tuple[tuple[int, int], ...], box: Box, expected: bool) -> None:
    assert touches(points, box) is expected
    assert touches(points[::-1], box) is expected
    assert touches(points[2:] + points[:2], box) is expected


coordinate = st.integers(-30, 60)
polygons = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=8, unique=True)


@given(polygons, coordinate, coordinate, st.integers(1, 30), st.integers(1, 30))
def test_agrees_with_a_geometry_library(
    points: list[tuple[int, int]], x: int, y: int, width: int, height: int
) -> None:
    rectangle = shapely.box(x, y, x + width, y + height)
    # The edges are asked by themselves, because mending a polygon moves them a little.
    expected = shapely.LinearRing(points).intersects(rectangle) or shapely.make_valid(
        shapely.Polygon(points)
    ).intersects(rectangle)
    assert touches(points, Box(x, y, x + width, y + height)) == expected
