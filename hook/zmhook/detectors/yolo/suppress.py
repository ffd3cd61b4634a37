"""Non-maximum suppression: of several boxes around one thing, the strongest stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.detectors.yolo.heads.base import Candidates

LOOKED_AT = 1000
"""Only so many candidates, the strongest, take part; it bounds the time in a crowded picture."""

KEPT = 300
"""No more than these are returned."""


def strongest(found: Candidates, limit: int) -> Candidates:
    """Return the `limit` strongest candidates, strongest first; equal ones stay in order."""
    order = np.argsort(-found.scores, kind="stable")[:limit]
    return found.at(order)


def suppress(found: Candidates, most_overlap: float) -> Candidates:
    """Drop what overlaps a stronger candidate of the same class by more than `most_overlap` (IoU).

    Returns at most `KEPT` candidates, strongest first.
    """
    found = strongest(found, LOOKED_AT)
    # Moved apart by class, boxes of different classes cannot overlap.
    span = float(found.boxes.max(initial=0) - found.boxes.min(initial=0)) + 1
    boxes = found.boxes.astype(np.float64) + (found.classes * span)[:, None]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept: list[int] = []
    while len(left) and len(kept) < KEPT:
        first, left = left[0], left[1:]
        kept.append(int(first))
        shared = _intersection(boxes[first], boxes[left])
        left = left[shared <= most_overlap * (areas[first] + areas[left] - shared)]
    return found.at(np.array(kept, np.intp))


def _intersection(
    box: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the area that `box` (x1, y1, x2, y2) shares with each row of `others`."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0), np.float64)
