"""YOLO-NAS, as SuperGradients exports it: flat, in batches, or without its last step.

What is exported with its own pre-processing takes pixels as they are (uint8) and scales them. The
picture lies in the middle; SuperGradients itself leaves two more pixels free around it at 640x640,
which an export for another size does not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import (
    CENTRED,
    Candidates,
    Evidence,
    FlatHead,
    Pair,
    Plain,
    contradicted,
    in_pixels,
    is_pyramid,
    is_score,
    is_whole,
    named_pair,
    role,
    strongest_class,
    unnamed_pair,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Floats, Head

ROLES = ("num_predictions", "pred_boxes", "pred_scores", "pred_classes")


class NasFlatHead(FlatHead):
    """`flat_predictions`, score before class."""

    key = "yolo-nas"
    name = "YOLO-NAS"
    understands = "flat_predictions boxes x 7"
    score, label = 5, 6

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        match network.family, network.outputs:
            case "onnx", ((_, 7),):
                sure = named or role(network, "flat_predictions") is not None
                return [cls(sure=sure)]
        return []


class NasBatchHead(Plain):
    """How many, then boxes `(1, n, 4)`, scores and classes `(1, n)`; the rest is filled up."""

    key = "yolo-nas"
    name = "YOLO-NAS in batches"
    understands = (
        "num_predictions 1 x 1, pred_boxes 1 x boxes x 4, pred_scores and pred_classes 1 x boxes"
    )
    preprocessing = CENTRED
    suppressed = True

    def __init__(
        self, order: tuple[int, int, int, int] = (0, 1, 2, 3), *, sure: bool = True
    ) -> None:
        super().__init__(None)
        self.evidence = Evidence.NAMES if sure else Evidence.NOTHING
        self._order = order

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        if len(network.outputs) != len(ROLES):
            return []
        roles = [role(network, part) for part in ROLES]
        sure = None not in roles
        order = tuple(roles) if sure else (0, 1, 2, 3)
        match [network.outputs[index] for index in order]:  # type: ignore[index]
            case ((1, 1), (1, count, 4), (1, many), (1, most)) if count == many == most:
                return [cls(order, sure=named or sure)]  # type: ignore[arg-type]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        counts, boxes, scores, classes = (outputs[index][0] for index in self._order)
        count = int(min(max(counts[0], 0), len(scores))) if np.isfinite(counts[0]) else 0
        boxes, scores, classes = boxes[:count], scores[:count], classes[:count]
        if not (is_whole(classes) and is_score(scores)):
            raise contradicted(self, "its outputs are not number, boxes, scores and classes")
        near = np.flatnonzero(scores >= floor)
        kinds = np.rint(classes[near]).astype(np.intp)
        return in_pixels(self, Candidates(boxes[near], scores[near], kinds))


class NasRawHead(Plain):
    """`(1, cells, 4)` and `(1, cells, classes)`: x1, y1, x2, y2 in input pixels, scores."""

    key = "yolo-nas"
    name = "YOLO-NAS without its last step"
    understands = "1 x cells x 4, 1 x cells x classes"
    preprocessing = CENTRED
    suppressed = False

    def __init__(self, classes: int, pair: Pair, *, sure: bool = True) -> None:
        super().__init__(classes)
        self.evidence = Evidence.NAMES if sure else Evidence.NOTHING
        self._pair = pair

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        pair = named_pair(network, ("pre_nms_bboxes_xyxy",), ("pre_nms_scores",))
        sure = named or pair is not None
        pair = pair or unnamed_pair(network, boxes_first=True)
        if pair and (sure or is_pyramid(network.outputs[pair.boxes][1], network.size)):
            return [cls(network.outputs[pair.scores][2], pair, sure=sure)]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        boxes, scores = outputs[self._pair.boxes][0], outputs[self._pair.scores][0]
        return in_pixels(self, strongest_class(boxes, scores, floor))
