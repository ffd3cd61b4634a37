"""Non-maximum suppression: of several boxes around one thing, the most confident stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from zmhook.detection import Detection


def kept_boxes(
    boxes: npt.NDArray[np.float64], max_overlap: float, limit: int | None = None
) -> npt.NDArray[np.intp]:
    """Return the rows of the boxes that overlap no kept one before them by more than this (IoU).

    `boxes` is `(n, 4)`: x1, y1, x2, y2, the most confident first. At most `limit` rows.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept: list[int] = []
    while len(left) and (limit is None or len(kept) < limit):
        first, left = left[0], left[1:]
        kept.append(int(first))
        shared = _intersection(boxes[first], boxes[left])
        left = left[shared <= max_overlap * (areas[first] + areas[left] - shared)]
    return np.array(kept, np.intp)


def suppressed(detections: Iterable[Detection], max_overlap: float) -> list[Detection]:
    """Return those that overlap no more confident one by more than this (IoU), in that order."""
    ranked = sorted(detections, key=lambda detection: -detection.confidence)
    boxes = [(box.x1, box.y1, box.x2, box.y2) for box in (detection.box for detection in ranked)]
    rows = kept_boxes(np.array(boxes, np.float64).reshape(-1, 4), max_overlap)
    return [ranked[i] for i in rows]


def _intersection(
    box: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the area that `box` (x1, y1, x2, y2) shares with each row of `others`."""
    width = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    height = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0), np.float64)
