"""How sure we are of a name, from the distance between two encodings.

Both functions are continuous and monotone. For the usual threshold of 0.6: pictures of one person
are mostly 0.3 to 0.5 apart (0.94 to 0.67), those of two people 0.7 to 0.9 (unknown: 0.65 to 0.83
times the finder's certainty).
"""

from __future__ import annotations

STEEPNESS = 4


def of_known(distance: float, threshold: float) -> float:
    """Return how sure we are that this is the known person: 1 / (1 + (distance / threshold)^4).

    1 at distance 0, 0.5 at the threshold, and falling towards 0 beyond it.
    """
    return 1 / (1 + (distance / threshold) ** STEEPNESS)


def of_unknown(distance: float, threshold: float, certainty: float) -> float:
    """Return how sure we are that this is a face, and nobody we know.

    That is the finder's `certainty` (0..1) times what is left over by `of_known` for the nearest
    known person; `distance` is infinite when nobody is known.
    """
    return certainty * (1 - of_known(distance, threshold))
