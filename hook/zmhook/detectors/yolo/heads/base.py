"""A head: how one family of networks wants its picture, and what its numbers mean."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from zmhook.detectors.nms import kept_boxes
from zmhook.detectors.yolo.letterbox import Preprocessing
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network

Floats = npt.NDArray[np.float32]

CENTRED = Preprocessing("centre", rgb=True, scale=1 / 255)
"""In the middle of a grey frame, RGB, 0..1: how most networks want the picture."""


MAX_COMPARED = 1000
"""So many candidates, the strongest, are compared; it bounds the time in a crowded picture."""

MAX_KEPT = 300


class Candidates(NamedTuple):
    """What a network may have detected, one row each.

    `boxes` is `(n, 4)`: x1, y1, x2, y2 in the input's pixels; `scores` is `(n,)`, 0..1;
    `classes` is `(n,)`, the number of the strongest class.
    """

    boxes: Floats
    scores: Floats
    classes: npt.NDArray[np.intp]

    def at(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Candidates:
        """Return these rows, in this order."""
        return Candidates(self.boxes[rows], self.scores[rows], self.classes[rows])

    def strongest(self, limit: int) -> Candidates:
        """Return the `limit` strongest, strongest first; equal ones stay in order."""
        return self.at(np.argsort(-self.scores, kind="stable")[:limit])

    def suppressed(self, max_overlap: float) -> Candidates:
        """Drop what overlaps a stronger one of its class by more than this (IoU).

        Returns at most `MAX_KEPT`, strongest first.
        """
        ranked = self.strongest(MAX_COMPARED)
        # Moved apart by class, boxes of different classes cannot overlap.
        span = float(ranked.boxes.max(initial=0) - ranked.boxes.min(initial=0)) + 1
        boxes = ranked.boxes.astype(np.float64) + (ranked.classes * span)[:, None]
        return ranked.at(kept_boxes(boxes, max_overlap, MAX_KEPT))


class Evidence(IntEnum):
    """How much speaks for a reading."""

    NOTHING = 0
    """The outputs would allow it; it holds only where `yolo_head` says so."""

    SHAPE = 1
    """The shape of the outputs, which the makers of other networks use as well."""

    NAMES = 2
    """What the file calls its outputs, or says about itself."""


SHARES = 2.0
"""A box in shares of the picture has no corner farther out than this; one in pixels has."""

WHOLE = 1e-3
"""How far the number of a class may be from a whole one."""

ROUNDING = 0.01
"""How far above 1 the score of a quantised network may lie."""


CROSSED = 1.0
"""How many pixels x2 may lie before x1, by rounding alone."""


class Head(Protocol):
    """One reading of a network's outputs."""

    key: str
    """What `yolo_head` calls it."""

    name: str
    understands: str
    """The outputs' shape in words, for the error about a network that nobody understands."""

    evidence: Evidence
    preprocessing: Preprocessing
    classes: int | None
    """How many classes the network tells apart; None where its shape does not say."""

    suppressed: bool
    """Whether the network itself has left only one box around each thing."""

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        """Return how such outputs can be read by this head; empty: they cannot.

        `named` says that `yolo_head` names it: then what the shape leaves open is no doubt.
        """

    def fits(self, outputs: Sequence[Floats]) -> bool | None:
        """Say whether the values are such as this head gives; None where they do not tell."""

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        """Return what scores at least `floor`, in no order. Raises `ModelFileError`."""


class Plain:
    """A reading whose shape alone tells it from others; `size` is the input's."""

    evidence = Evidence.SHAPE

    def __init__(self, classes: int | None, size: tuple[int, int] = (0, 0)) -> None:
        self.classes = classes
        self._size = size

    def fits(self, _: Sequence[Floats]) -> bool | None:
        return None


class FlatHead:
    """Reads `(n, 7)`: number of the picture, x1, y1, x2, y2 in input pixels, score and class.

    `score` and `label` are the columns of the last two. The network has suppressed the others.
    """

    key: str
    name: str
    understands: str
    score: int
    label: int
    preprocessing = CENTRED
    classes: int | None = None
    suppressed = True

    def __init__(self, *, sure: bool = True) -> None:
        self.evidence = Evidence.NAMES if sure else Evidence.SHAPE

    def fits(self, outputs: Sequence[Floats]) -> bool | None:
        rows = outputs[0]
        rows = rows[np.isfinite(rows).all(axis=1)]
        if not len(rows):
            return None
        return is_score(rows[:, self.score]) and is_whole(rows[:, self.label])

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        if self.fits(outputs) is False:
            last = "score and class" if self.score < self.label else "class and score"
            raise contradicted(self, f"its columns are not box, {last}")
        rows = outputs[0]
        rows = rows[rows[:, self.score] >= floor]
        classes = np.rint(rows[:, self.label]).astype(np.intp)
        return in_pixels(self, Candidates(rows[:, 1:5], rows[:, self.score], classes))


def is_whole(numbers: Floats) -> bool:
    """Say whether these can be numbers of classes."""
    return bool((np.abs(numbers - np.rint(numbers)) <= WHOLE).all())


def is_score(numbers: Floats) -> bool:
    return bool(((numbers >= 0) & (numbers <= 1 + ROUNDING)).all())


def contradicted(head: Head | FlatHead, what: str) -> ModelFileError:
    """Return the error about a network whose values are not those of the head that reads it."""
    return ModelFileError(
        f"[yolo] yolo_head: the network is read as {head.name} ({head.key}), but {what}; "
        "set yolo_head to what it is"
    )


def in_pixels(head: Head | FlatHead, candidates: Candidates) -> Candidates:
    """Return what has its corners in the input's pixels.

    Raises `ModelFileError` for shares of one, and for boxes that end before they begin: such
    columns hold something else, centre, width and height for instance.
    """
    if len(candidates.boxes) and (np.abs(candidates.boxes) < SHARES).all():
        raise contradicted(head, "its boxes are not in pixels")
    if not is_ordered(candidates.boxes):
        raise contradicted(head, "its boxes are not x1, y1, x2, y2: they end before they begin")
    return candidates


def is_ordered(boxes: Floats) -> bool:
    """Say whether these can be x1, y1, x2, y2; what is no number says nothing."""
    return not (boxes[:, 2:4] < boxes[:, :2] - CROSSED).any()


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


CORNERS = 4
"""Numbers of a box."""
PAIR = 2
RANK = 3


class Pair(NamedTuple):
    """The places of the boxes `(1, n, 4)` and of what is said of each, `(1, n, classes)`."""

    boxes: int
    scores: int


def role(network: Network, *names: str) -> int | None:
    """Return the place of the output that has one of these names.

    Tools that put networks together write `graph2_` or the like before a name.
    """
    for index, known in enumerate(network.names):
        for output in known:
            if any(output == name or output.endswith(f"_{name}") for name in names):
                return index
    return None


def named_pair(network: Network, boxes: tuple[str, ...], scores: tuple[str, ...]) -> Pair | None:
    """Return the pair by its names, None where they or the shapes are others."""
    first, second = role(network, *boxes), role(network, *scores)
    if first is None or second is None:
        return None
    pair = Pair(first, second)
    return pair if _is_pair(network, pair) else None


def unnamed_pair(network: Network, *, boxes_first: bool) -> Pair | None:
    """Return the only two outputs as a pair; their order decides where both are four wide."""
    if len(network.outputs) != PAIR:
        return None
    pairs = [pair for pair in (Pair(0, 1), Pair(1, 0)) if _is_pair(network, pair)]
    return pairs[0 if boxes_first else -1] if pairs else None


def _is_pair(network: Network, pair: Pair) -> bool:
    boxes, scores = network.outputs[pair.boxes], network.outputs[pair.scores]
    return (
        len(boxes) == len(scores) == RANK
        and boxes[0] == scores[0] == 1
        and boxes[1] == scores[1]
        and boxes[2] == CORNERS
        and scores[2] > 0
    )
