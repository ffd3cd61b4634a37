"""The known people, and who of them a face is nearest to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from zmhook.detectors.face.encoder import SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

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
