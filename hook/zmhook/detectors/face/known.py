"""The known people, and who of them a face is nearest to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zmhook.detectors.face.encoder import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

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
