from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box
from zmhook.gate.overlap import foot_inside, intersecting, shares


def touches(points: tuple[tuple[float, float], ...], box: Box) -> bool:
    return bool(intersecting([points], [box])[0, 0])


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


@given(polygons, coordinate, coordinate, st.integers(1, 30), st.integers(1, 30), coordinate)
def test_moved_mirrored_and_enlarged_together_the_answer_stays(
    points: list[tuple[int, int]], x: int, y: int, width: int, height: int, by: int
) -> None:
    box = Box(x, y, x + width, y + height)
    expected = touches(tuple(points), box)
    moved = Box(x + by, y - by, x + width + by, y + height - by)
    assert touches(tuple((a + by, b - by) for a, b in points), moved) == expected
    mirrored = Box(-x - width, y, -x, y + height)
    assert touches(tuple((-a, b) for a, b in points), mirrored) == expected
    tripled = Box(3 * x, 3 * y, 3 * (x + width), 3 * (y + height))
    assert touches(tuple((3 * a, 3 * b) for a, b in points), tripled) == expected


def test_all_pairs_at_once() -> None:
    boxes = [Box(12, 12, 14, 14), Box(30, 30, 31, 31), Box(5, 1, 6, 3)]
    assert intersecting([SQUARE, CUP], boxes).tolist() == [
        [True, False, False],
        [False, False, True],
    ]


@pytest.mark.parametrize(
    ("points", "box", "share"),
    [
        (SQUARE, Box(12, 12, 14, 14), 1.0),
        (SQUARE, Box(5, 10, 15, 20), 0.5),
        (SQUARE, Box(0, 0, 40, 40), 100 / 1600),
        (SQUARE, Box(20, 20, 30, 30), 0.0),
        (SQUARE, Box(50, 50, 60, 60), 0.0),
        (BOW, Box(0, 0, 10, 10), 0.5),
    ],
)
def test_shares(points: tuple[tuple[int, int], ...], box: Box, share: float) -> None:
    assert shares([points], [box])[0, 0] == pytest.approx(share, abs=1e-6)


def test_where_it_stands() -> None:
    boxes = [Box(12, 0, 14, 15), Box(12, 12, 14, 30), Box(12, 12, 14, 20)]
    assert foot_inside([SQUARE], boxes).tolist() == [[True, False, True]]


def test_ten_thousand_corners() -> None:
    angles = [i * 2 * math.pi / 10_000 for i in range(10_000)]
    circle = tuple((100 + 50 * math.cos(a), 100 + 50 * math.sin(a)) for a in angles)
    assert touches(circle, Box(90, 90, 110, 110))
    assert not touches(circle, Box(0, 0, 60, 60))
    assert shares([circle], [Box(0, 0, 200, 200)])[0, 0] == pytest.approx(math.pi / 16, rel=1e-3)
