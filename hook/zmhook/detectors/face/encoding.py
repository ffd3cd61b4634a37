"""Encodings of faces: 128 numbers each, near each other for pictures of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from zmhook.detectors.face.dlib_parts import ENCODER, LANDMARKS, load_dlib, load_model, native

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from zmhook.detectors.face.finders import FaceBox

SIZE = 128
NAME = "dlib-resnet-v1"


class Encoder:
    """dlib's face recognition network (a ResNet of 29 layers, trained on 3 million faces).

    Loads two of dlib's files, 32 MB; raises `DetectorError`. `jitters` above 1 averages that many
    slightly turned and shifted copies of the face.
    """

    def __init__(self, jitters: int = 0) -> None:
        self._dlib = load_dlib()
        self._landmarks = load_model(self._dlib.shape_predictor, LANDMARKS)
        self._network = load_model(self._dlib.face_recognition_model_v1, ENCODER)
        self._jitters = jitters

    def encode(self, image: npt.NDArray[np.uint8], face: FaceBox) -> npt.NDArray[np.float64]:
        """Encode a face of a BGR picture as an array of 128 numbers; raises `DetectorError`."""
        rgb, rectangle = self._around(image, face)
        with native("encoding a face"):
            shape = self._landmarks(rgb, rectangle)
            return np.array(self._network.compute_face_descriptor(rgb, shape, self._jitters))

    def _around(
        self, image: npt.NDArray[np.uint8], face: FaceBox
    ) -> tuple[npt.NDArray[np.uint8], object]:
        """Cut the face out with room on each side: dlib wants RGB, and a 4K frame is large."""
        left, top, side = face.square
        x, y = max(0, int(left - side)), max(0, int(top - side))
        part = image[y : int(top + 2 * side) + 1, x : int(left + 2 * side) + 1]
        rgb: npt.NDArray[np.uint8] = cv2.cvtColor(part, cv2.COLOR_BGR2RGB)  # type: ignore[assignment]
        corners = (left - x, top - y, left - x + side - 1, top - y + side - 1)
        return rgb, self._dlib.rectangle(*(round(corner) for corner in corners))


ROUNDING = 1e-4
"""More than what the fast formula loses in single precision, as a squared distance."""


class Nearest(NamedTuple):
    """The known picture that is nearest to a face: whose it is, its path, how far it is."""

    person: str
    source: str
    distance: float


class KnownFaces:
    """Encodings `(n, 128)` of known people, with the person and the picture of each."""

    def __init__(
        self,
        people: Sequence[str],
        sources: Sequence[str],
        encodings: npt.NDArray[np.floating],
    ) -> None:
        self.people = tuple(people)
        self.sources = tuple(sources)
        self.encodings = np.ascontiguousarray(encodings, dtype=np.float32).reshape(-1, SIZE)
        self._squares = np.einsum("ij,ij->i", self.encodings, self.encodings)

    def __len__(self) -> int:
        return len(self.people)

    def nearest(self, encoding: npt.NDArray[np.floating]) -> Nearest | None:
        """Return the known picture with the smallest Euclidean distance, None without any.

        The search is exact: |a|² + |b|² - 2ab by one matrix product in single precision picks
        those that may be nearest, and their distances are then computed from the differences.
        """
        if not len(self):
            return None
        query = np.asarray(encoding, dtype=np.float32)
        # |query|² is the same for all and does not change which is smallest.
        squares = self._squares - 2 * (self.encodings @ query)
        close = np.flatnonzero(squares <= squares.min() + ROUNDING)
        distances = np.linalg.norm(self.encodings[close] - np.asarray(encoding), axis=1)
        best = int(distances.argmin())
        index = int(close[best])
        return Nearest(self.people[index], self.sources[index], float(distances[best]))


class Lookalikes(NamedTuple):
    """Two people, the two pictures of them that are nearest to each other, and their distance."""

    person: str
    other: str
    picture: str
    other_picture: str
    distance: float


def lookalikes(known: KnownFaces, threshold: float) -> list[Lookalikes]:
    """Return each pair of people who have pictures at most `threshold` apart, nearest first."""
    if not len(known):
        return []
    order = np.argsort(np.array(known.people), kind="stable")
    starts = _starts([known.people[i] for i in order])
    pairs = [
        _pair(known, int(order[i]), int(order[j]))
        for i, j in _nearest_pairs(known.encodings[order], starts, threshold)
    ]
    return sorted(pairs, key=lambda pair: pair.distance)


def _starts(people: list[str]) -> npt.NDArray[np.intp]:
    """Return where in the sorted list each person begins."""
    new = [i for i, person in enumerate(people) if i == 0 or person != people[i - 1]]
    return np.array(new, dtype=np.intp)


def _nearest_pairs(
    encodings: npt.NDArray[np.float32], starts: npt.NDArray[np.intp], threshold: float
) -> Iterator[tuple[int, int]]:
    """Per two people near each other, the rows of their nearest pictures."""
    ends = [*starts[1:], len(encodings)]
    for person, (start, end) in enumerate(zip(starts, ends, strict=True)):
        distances = _distances(encodings[start:end], encodings[start:])
        nearest = np.minimum.reduceat(distances.min(axis=0), starts[person:] - start)
        for offset in np.flatnonzero(nearest[1:] <= threshold) + 1:
            first, last = starts[person + offset] - start, ends[person + offset] - start
            block = distances[:, first:last]
            i, j = np.unravel_index(block.argmin(), block.shape)
            yield int(start + i), int(start + first + j)


def _distances(
    some: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    squares = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * (some @ others.T)
    distances: npt.NDArray[np.float32] = np.sqrt(np.maximum(squares, 0))
    return distances


def _pair(known: KnownFaces, i: int, j: int) -> Lookalikes:
    distance = float(np.linalg.norm(known.encodings[i] - known.encodings[j]))
    return Lookalikes(
        known.people[i], known.people[j], known.sources[i], known.sources[j], distance
    )
