"""Darknet's networks (YOLOv2, v3, v4 and their tiny ones), as OpenCV's importer runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import Plain, corners, strongest_class
from zmhook.detectors.yolo.letterbox import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Candidates, Floats, Head


class DarknetHead(Plain):
    """Per scale `(n, 5 + classes)`: centre and size as parts of the input, objectness, scores.

    OpenCV has multiplied the scores by the objectness already, and sets those below 0.2 to 0:
    weaker candidates cannot be reported.

    The picture is stretched over the input, not letterboxed: Darknet itself does so unless its
    .cfg says `letter_box=1`, hence so do the pictures that networks were trained with.
    """

    key = "darknet"
    name = "Darknet YOLO"
    understands = "per scale boxes x (5 + classes), out of a .cfg"
    preprocessing = Preprocessing("stretch", rgb=True, scale=1 / 255)
    suppressed = False

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:  # noqa: ARG003
        if network.family != "darknet":
            return []
        depths = {shape[-1] for shape in network.outputs}
        if len(depths) != 1:
            return []
        return [cls(depths.pop() - 5, network.size)]

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = np.concatenate(outputs)
        rows = rows[rows[:, 4] >= floor]
        scale = np.array(self._size * 2, np.float32)
        return strongest_class(corners(rows) * scale, rows[:, 5:], floor)
