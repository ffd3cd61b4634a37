"""YOLOv8, v9, v11, v12 and v5u: one box per cell, class scores and no objectness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import CENTRED, Candidates, Plain, corners, is_pyramid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Floats, Head


class AnchorFreeHead(Plain):
    """`(1, 4 + classes, cells)`, or the same transposed: centre, size in input pixels, scores."""

    key = "yolov8"
    name = "YOLOv8/v11"
    understands = "1 x (4 + classes) x cells"
    preprocessing = CENTRED
    suppressed = False

    def __init__(self, classes: int, *, transposed: bool) -> None:
        super().__init__(classes)
        self._transposed = transposed

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:  # noqa: ARG003
        match network.outputs:
            case ((1, depth, count),) if depth > 4 and is_pyramid(count, network.size):  # noqa: PLR2004
                return [cls(depth - 4, transposed=False)]
            case ((1, count, depth),) if depth > 4 and is_pyramid(count, network.size):  # noqa: PLR2004
                return [cls(depth - 4, transposed=True)]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        columns = outputs[0][0].T if self._transposed else outputs[0][0]
        scores = columns[4:].max(axis=0)
        near = np.flatnonzero(scores >= floor)
        classes = columns[4:, near].argmax(axis=0)
        return Candidates(corners(columns[:4, near].T), scores[near], classes)
