"""The cells that a network lays over its input."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

PYRAMIDS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))
"""The strides of the usual networks, of those for large input, for small things, and tiny ones."""


def cells(size: tuple[int, int], strides: tuple[int, ...]) -> int:
    """Return how many cells a pyramid has over an input of `(width, height)`."""
    return sum((size[0] // stride) * (size[1] // stride) for stride in strides)


def is_pyramid(count: int, size: tuple[int, int]) -> bool:
    """Whether some network has exactly `count` cells over such an input."""
    return count in {cells(size, strides) for strides in PYRAMIDS}


@lru_cache(maxsize=4)
def cell_table(size: tuple[int, int], strides: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return `(cells, 3)`: column, row and stride of each cell, in the order of the outputs."""
    parts = []
    for stride in strides:
        rows, columns = np.mgrid[: size[1] // stride, : size[0] // stride]
        steps = np.full(rows.size, stride)
        parts.append(np.stack((columns.ravel(), rows.ravel(), steps), axis=1))
    return np.concatenate(parts).astype(np.float32)
