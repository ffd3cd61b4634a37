"""YOLOX: one box per cell, not yet decoded, with objectness.

Decoding as in the paper (Ge et al., 2021, arXiv:2107.08430) and its reference code: the centre is
an offset from the cell, the size a logarithm, both in strides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import (
    Plain,
    cell_table,
    cells,
    corners,
    strongest_class,
    with_objectness,
)
from zmhook.detectors.yolo.letterbox import Preprocessing
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Candidates, Floats, Head

STRIDES = (8, 16, 32)


class YoloxHead(Plain):
    """`(1, cells, 5 + classes)`: offset, log size, objectness, scores."""

    key = "yolox"
    name = "YOLOX"
    understands = "1 x cells x (5 + classes)"
    preprocessing = Preprocessing("corner", rgb=False, scale=1.0)
    suppressed = False

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:  # noqa: ARG003
        match network.outputs:
            case ((1, count, depth),) if depth > 5 and count == cells(network.size, STRIDES):  # noqa: PLR2004
                return [cls(depth - 5, network.size)]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = outputs[0][0]
        self._check_undecoded(rows)
        near, scores = with_objectness(rows, floor)
        return strongest_class(corners(self._decoded(rows, near)), scores, floor)

    def _decoded(self, rows: Floats, near: np.ndarray) -> Floats:
        table = cell_table(self._size, STRIDES)[near]
        strides = table[:, 2:]
        with np.errstate(over="ignore"):  # a damaged network may say e^1000; dropped later
            sizes = np.exp(rows[near, 2:4]) * strides
        return np.concatenate(((rows[near, :2] + table[:, :2]) * strides, sizes), axis=1)

    def _check_undecoded(self, rows: Floats) -> None:
        """Refuse a network that has decoded its boxes: its shape is the same.

        The last cell lies at the bottom right. Its offset is a few cells at most; a decoded
        centre is past the middle of the input.
        """
        if rows[-1, 0] > self._size[0] / 2 and rows[-1, 1] > self._size[1] / 2:
            raise ModelFileError(
                "[yolo] the network gives decoded boxes (YOLOv6, or YOLOX exported with "
                "--decode_in_inference), which is not understood; export YOLOX without it"
            )
