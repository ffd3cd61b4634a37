"""People whom the model can hardly tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from zmhook.detectors.face.known import KnownFaces


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
