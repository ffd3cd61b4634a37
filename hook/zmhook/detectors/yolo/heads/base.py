"""What a head is: how one family of networks wants its picture and what its numbers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.letterbox import Look

Floats = npt.NDArray[np.float32]


class Candidates(NamedTuple):
    """What a network may have seen, one row each.

    `boxes` is `(n, 4)`: x1, y1, x2, y2 in the input's pixels; `scores` is `(n,)`, 0..1;
    `classes` is `(n,)`, the number of the strongest class.
    """

    boxes: Floats
    scores: Floats
    classes: npt.NDArray[np.intp]

    def at(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Candidates:
        """Return these rows, in this order."""
        return Candidates(self.boxes[rows], self.scores[rows], self.classes[rows])


class Head(Protocol):
    """One reading of a network's outputs."""

    name: str
    understands: str
    """The outputs' shape in words, for the error about a network that nobody understands."""

    look: Look
    classes: int | None
    """How many classes the network tells apart; None where its shape does not say."""

    suppressed: bool
    """Whether the network itself has left only one box around each thing."""

    @classmethod
    def readings(cls, network: Network) -> list[Head]:
        """Return how such outputs can be read by this head; empty: they cannot."""

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        """Return what scores at least `floor`, in no order. Raises `ModelFileError`."""


def corners(centred: Floats) -> Floats:
    """Turn rows of centre x, centre y, width, height into x1, y1, x2, y2."""
    half = centred[:, 2:4] / 2
    return np.concatenate((centred[:, :2] - half, centred[:, :2] + half), axis=1)


def strongest_class(boxes: Floats, scores: Floats, floor: float) -> Candidates:
    """Return each row with its strongest class where that reaches `floor`.

    `boxes` is `(n, 4)` corners, `scores` `(n, classes)`.
    """
    classes = scores.argmax(axis=1)
    best = scores[np.arange(len(scores)), classes]
    return Candidates(boxes, best, classes).at(best >= floor)


def with_objectness(rows: Floats, floor: float) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return which rows (x, y, w, h, objectness, classes…) can reach `floor`, and their scores.

    A score is objectness times class, so a row whose objectness alone is below never can:
    of thousands of rows only a few are looked at any further.
    """
    near = np.flatnonzero(rows[:, 4] >= floor)
    return near, rows[near, 5:] * rows[near, 4:5]
