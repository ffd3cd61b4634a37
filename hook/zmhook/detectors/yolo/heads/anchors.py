"""YOLOv5 and v7: three boxes per cell, already in pixels, with objectness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detectors.yolo.heads.base import (
    CENTRED,
    Plain,
    corners,
    is_pyramid,
    strongest_class,
    with_objectness,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Candidates, Floats, Head

PER_CELL = 3


class AnchorsHead(Plain):
    """`(1, 3 * cells, 5 + classes)`: centre, size in input pixels, objectness, scores."""

    key = "yolov5"
    name = "YOLOv5/v7"
    understands = "1 x (3 * cells) x (5 + classes)"
    preprocessing = CENTRED
    suppressed = False

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:  # noqa: ARG003
        match network.outputs:
            # Older exporters give the undecoded maps as further outputs of rank 5.
            case ((1, count, depth), *maps) if (
                depth > 5  # noqa: PLR2004
                and count % PER_CELL == 0
                and is_pyramid(count // PER_CELL, network.size)
                and all(len(shape) == 5 for shape in maps)  # noqa: PLR2004
            ):
                return [cls(depth - 5)]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = outputs[0][0]
        near, scores = with_objectness(rows, floor)
        return strongest_class(corners(rows[near]), scores, floor)
