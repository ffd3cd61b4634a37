"""YOLOv10, YOLO26 and exports with NMS inside: the network itself gives the final boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import Candidates
from zmhook.detectors.yolo.heads.grid import is_pyramid
from zmhook.detectors.yolo.letterbox import Look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Floats, Head


class EndToEndHead:
    """`(1, n, 6)`: x1, y1, x2, y2 in input pixels, score, class; n is usually 300."""

    name = "end-to-end YOLO"
    understands = "1 x boxes x 6"
    look = Look("centre", rgb=True, scale=1 / 255)
    classes: int | None = None
    suppressed = True

    @classmethod
    def readings(cls, network: Network) -> list[Head]:
        match network.outputs:
            case ((1, count, 6),) if not _is_per_cell(count, network.size):
                return [cls()]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = outputs[0][0]
        rows = rows[rows[:, 4] >= floor]
        return Candidates(rows[:, :4], rows[:, 4], np.rint(rows[:, 5]).astype(np.intp))


class BatchedEndToEndHead:
    """`(n, 7)`: number of the picture, x1, y1, x2, y2 in input pixels, class, score.

    YOLOv7's and v9's export with `--end2end` for ONNX Runtime; n is what was found, so it may be 0.
    """

    name = "end-to-end YOLO with NMS"
    understands = "boxes x 7"
    look = Look("centre", rgb=True, scale=1 / 255)
    classes: int | None = None
    suppressed = True

    @classmethod
    def readings(cls, network: Network) -> list[Head]:
        match network.family, network.outputs:
            case "onnx", ((_, 7),):
                return [cls()]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = outputs[0]
        rows = rows[rows[:, 6] >= floor]
        return Candidates(rows[:, 1:5], rows[:, 6], np.rint(rows[:, 5]).astype(np.intp))


def _is_per_cell(count: int, size: tuple[int, int]) -> bool:
    """Whether six numbers per box may as well be a network with one or two classes."""
    return is_pyramid(count, size) or (count % 3 == 0 and is_pyramid(count // 3, size))
