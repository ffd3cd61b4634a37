"""YOLOv10, YOLO26 and exports with NMS inside: the network itself gives the final boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import (
    CENTRED,
    SHARES,
    Candidates,
    Evidence,
    FlatHead,
    contradicted,
    in_pixels,
    is_ordered,
    is_pyramid,
    is_score,
    is_whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Floats, Head


class EndToEndHead:
    """`(1, n, 6)`: x1, y1, x2, y2 in input pixels, score, class; n is usually 300."""

    key = "yolov10"
    name = "end-to-end YOLO"
    understands = "1 x boxes x 6"
    preprocessing = CENTRED
    classes: int | None = None
    suppressed = True

    def __init__(self, *, sure: bool = False) -> None:
        self.evidence = Evidence.NAMES if sure else Evidence.SHAPE

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        match network.outputs:
            case ((1, _, 6),) if named or _says_so(network.metadata):
                return [cls(sure=True)]
            case ((1, count, 6),) if not _is_per_cell(count, network.size):
                return [cls(sure=_is_yolo(network.metadata))]
        return []

    def fits(self, outputs: Sequence[Floats]) -> bool | None:
        rows = outputs[0][0]
        rows = rows[np.isfinite(rows).all(axis=1) & rows.any(axis=1)]
        if not len(rows):
            return None
        boxes = rows[:, :4]
        if not (is_score(rows[:, 4]) and is_whole(rows[:, 5]) and is_ordered(boxes)):
            return False
        return True if (np.abs(boxes) > SHARES).any() else None

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = outputs[0][0]
        rows = rows[rows[:, 4] >= floor]
        if not is_whole(rows[np.isfinite(rows[:, 5]), 5]):
            raise contradicted(self, "its last column is not the number of a class")
        classes = np.rint(rows[:, 5]).astype(np.intp)
        return in_pixels(self, Candidates(rows[:, :4], rows[:, 4], classes))


class BatchedEndToEndHead(FlatHead):
    """YOLOv7's and v9's export with `--end2end` for ONNX Runtime, class before score.

    There are as many rows as boxes, which may be none. Their exporters call the output `output`,
    or write the strides into the file.
    """

    key = "yolov7-nms"
    name = "end-to-end YOLO with NMS"
    understands = "boxes x 7"
    score, label = 6, 5

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        match network.family, network.outputs:
            case "onnx", ((_, 7),):
                is_named = any("output" in known for known in network.names)
                is_other = any(
                    "flat_predictions" in name for name in frozenset().union(*network.names)
                )
                sure = named or ((is_named or "stride" in network.metadata) and not is_other)
                return [cls(sure=sure)]
        return []


def _says_so(metadata: Mapping[str, str]) -> bool:
    """Whether Ultralytics' exporter says that the boxes are final."""
    is_final = metadata.get("end2end", "").lower() == "true"
    return is_final or "'nms': True" in metadata.get("args", "")


def _is_yolo(metadata: Mapping[str, str]) -> bool:
    """Whether Ultralytics' exporter says that it is a YOLO, and none with RT-DETR's head."""
    description = metadata.get("description", "").lower()
    return "yolo" in description and "detr" not in description


def _is_per_cell(count: int, size: tuple[int, int]) -> bool:
    """Whether six numbers per box may as well be a network with one or two classes."""
    return is_pyramid(count, size) or (count % 3 == 0 and is_pyramid(count // 3, size))
