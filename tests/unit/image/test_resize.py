"""Pictures that are made smaller."""

from __future__ import annotations

import numpy as np
import pytest

from zmhook.image.resize import narrowed, resized, shrunk

WIDE = np.zeros((300, 400, 3), np.uint8)
TALL = np.zeros((400, 300, 3), np.uint8)


@pytest.mark.parametrize(
    ("made", "size"),
    [
        (resized(WIDE, 10, 20), (20, 10)),
        (narrowed(WIDE, 200), (150, 200)),
        (narrowed(TALL, 150), (200, 150)),
        (narrowed(np.zeros((1, 4000, 3), np.uint8), 10), (1, 10)),
        (shrunk(WIDE, 200), (150, 200)),
        (shrunk(TALL, 200), (200, 150)),
        (shrunk(np.zeros((2, 5000, 3), np.uint8), 100), (1, 100)),
    ],
)
def test_sizes(made: np.ndarray, size: tuple[int, int]):
    assert made.shape == (*size, 3)
    assert made.dtype == np.uint8


def test_what_is_small_enough_stays_as_it_is():
    assert narrowed(WIDE, 400) is WIDE
    assert shrunk(TALL, 400) is TALL


def test_pixels_are_averaged():
    board = np.indices((64, 64)).sum(axis=0).astype(np.uint8) % 2 * 200
    assert set(np.unique(shrunk(board, 32))) == {100}
