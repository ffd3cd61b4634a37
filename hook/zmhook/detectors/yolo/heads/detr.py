"""Transformers: RT-DETR and D-FINE (with their kin), Ultralytics' RT-DETR, RF-DETR.

A fixed number of boxes, each one thing, so nothing has to be suppressed. The picture is stretched
over the input.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from zmhook.detectors.yolo.heads.base import (
    CORNERS,
    SHARES,
    Candidates,
    Evidence,
    Pair,
    Plain,
    contradicted,
    corners,
    in_pixels,
    is_pyramid,
    is_score,
    is_whole,
    named_pair,
    role,
    strongest_class,
    unnamed_pair,
)
from zmhook.detectors.yolo.letterbox import Preprocessing
from zmhook.labels import COCO, COCO_IDS, LAST_COCO_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zmhook.detectors.yolo.engines.base import Network
    from zmhook.detectors.yolo.heads.base import Floats, Head

WITH_IDS = LAST_COCO_ID + 1
"""Classes of networks that number COCO's objects as COCO's files do: 0 is nothing, 90 the last."""
WITH_NOTHING = (WITH_IDS, WITH_IDS + 1)
"""Classes of DETR's other kin where they are trained on COCO."""

MOST = 1000
"""Boxes of such a network; it usually has 300."""

# The originals reduce with Pillow, which takes the mean where OpenCV's bilinear leaves pixels out.
PLAIN_PREPROCESSING = Preprocessing("stretch", rgb=True, scale=1 / 255, smooth=True)
ULTRALYTICS_PREPROCESSING = Preprocessing("stretch", rgb=True, scale=1 / 255)
IMAGENET_PREPROCESSING = Preprocessing(
    "stretch", rgb=True, scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)


class RtDetrHead(Plain):
    """`labels (1, n)`, `boxes (1, n, 4)`, `scores (1, n)`: as RT-DETR and D-FINE are exported.

    The boxes are x1, y1, x2, y2 in pixels of the size that the second input, `orig_target_sizes`,
    says; the engine says the input's.
    """

    key = "rt-detr"
    name = "RT-DETR/D-FINE"
    understands = "labels 1 x boxes, boxes 1 x boxes x 4, scores 1 x boxes"
    preprocessing = PLAIN_PREPROCESSING
    suppressed = True

    def __init__(self, order: tuple[int, int, int] = (0, 1, 2), *, sure: bool = True) -> None:
        super().__init__(None)
        self.evidence = Evidence.NAMES if sure else Evidence.NOTHING
        self._order = order

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        labels, boxes, scores = (role(network, name) for name in ("labels", "boxes", "scores"))
        if labels is None or boxes is None or scores is None:
            labels, boxes, scores = (0, 1, 2) if named else (-1, -1, -1)
        order = labels, boxes, scores
        if max(order) >= len(network.outputs) or min(order) < 0:
            return []
        shapes = [network.outputs[index] for index in order]
        match shapes:
            case ((1, count), (1, many, 4), (1, most)) if count == many == most:
                return [cls(order, sure=network.asks_size)]
        return []

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        labels, boxes, scores = (outputs[index][0] for index in self._order)
        if not is_whole(labels[np.isfinite(labels)]):
            raise contradicted(self, "its labels are no whole numbers")
        near = np.flatnonzero((scores >= floor) & np.isfinite(labels))
        classes = np.rint(labels[near]).astype(np.intp)
        return in_pixels(self, Candidates(boxes[near], scores[near], classes))


class RtDetrLogitsHead(Plain):
    """`pred_logits (1, n, classes)`, `pred_boxes (1, n, 4)`: RT-DETR without its last step.

    The boxes are centre and size in shares of the picture; the scores need a sigmoid.
    """

    key = "rt-detr"
    name = "RT-DETR/D-FINE without its last step"
    understands = "pred_logits 1 x boxes x classes, pred_boxes 1 x boxes x 4"
    preprocessing = PLAIN_PREPROCESSING
    suppressed = True

    def __init__(self, classes: int, size: tuple[int, int], pair: Pair, evidence: Evidence) -> None:
        super().__init__(classes, size)
        self.evidence = evidence
        self._pair = pair

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        original = named_pair(network, ("pred_boxes",), ("pred_logits",))
        # Hugging Face's exporter writes all kinds of DETR under the same two names. Those of
        # COCO's 80 classes are this one; the others count 91 or 92.
        pair = original or named_pair(network, ("pred_boxes",), ("logits",))
        if pair is None and named:
            pair = named_pair(network, ("dets", "boxes"), ("labels", "logits", "scores"))
        evidence = Evidence.SHAPE
        if pair is None:
            pair, evidence = _unnamed(network, named=named, boxes_first=False), Evidence.NOTHING
        if pair is None or (RfDetrHead.is_named(network) and not named):
            return []
        classes = network.outputs[pair.scores][2]
        if classes in WITH_NOTHING or not (original or classes == len(COCO)):
            evidence = Evidence.NOTHING
        return [cls(classes, network.size, pair, evidence)]

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        boxes, logits = outputs[self._pair.boxes][0], outputs[self._pair.scores][0]
        rows, classes, scores = _above(self, logits, floor)
        return Candidates(_pixels(self, boxes[rows], self._size), scores, classes)


class RfDetrHead(Plain):
    """`dets (1, n, 4)`, `labels (1, n, classes)`: RF-DETR, whose labels are logits, too.

    Trained on COCO it numbers the classes as COCO's files do, from 1 to 90 with gaps; `columns`
    are those that mean something. Trained by others it has one more than there are labels, last.
    """

    key = "rf-detr"
    name = "RF-DETR"
    understands = "dets 1 x boxes x 4, labels 1 x boxes x (1 + classes)"
    preprocessing = IMAGENET_PREPROCESSING
    suppressed = True

    def __init__(
        self,
        columns: Sequence[int],
        size: tuple[int, int],
        pair: Pair,
        evidence: Evidence = Evidence.NAMES,
    ) -> None:
        super().__init__(len(columns), size)
        self.evidence = evidence
        self._columns = np.array(columns, np.intp)
        self._pair = pair

    @classmethod
    def is_named(cls, network: Network) -> bool:
        return named_pair(network, ("dets",), ("labels",)) is not None

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        pair, evidence = named_pair(network, ("dets",), ("labels",)), Evidence.NAMES
        if pair is None:
            evidence = Evidence.NOTHING
            pair = (
                named_pair(network, ("pred_boxes",), ("pred_logits", "logits"))
                # Without names the order is the exporter's.
                or _unnamed(network, named=named, boxes_first=True)
            )
        if pair is None:
            return []
        count = network.outputs[pair.scores][2]
        choices = [range(count - 1), range(count)]
        if count == WITH_IDS:
            choices.insert(0, COCO_IDS)  # type: ignore[arg-type]
        return [cls(columns, network.size, pair, evidence) for columns in choices if columns]

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        boxes, logits = outputs[self._pair.boxes][0], outputs[self._pair.scores][0]
        rows, classes, scores = _above(self, logits[:, self._columns], floor)
        return Candidates(_pixels(self, boxes[rows], self._size), scores, classes)


class UltralyticsDetrHead(Plain):
    """`(1, n, 4 + classes)`: centre and size in shares of the picture, scores."""

    key = "rt-detr"
    name = "Ultralytics RT-DETR"
    understands = "1 x boxes x (4 + classes)"
    preprocessing = ULTRALYTICS_PREPROCESSING
    suppressed = True

    def __init__(self, classes: int, size: tuple[int, int], *, sure: bool = False) -> None:
        super().__init__(classes, size)
        self.evidence = Evidence.NAMES if sure else Evidence.SHAPE

    @classmethod
    def readings(cls, network: Network, *, named: bool = False) -> list[Head]:
        sure = named or "detr" in _about(network)
        match network.family, network.outputs:
            case "onnx", ((1, count, depth),) if depth > CORNERS and (
                sure or (depth <= count <= MOST and not _is_grid(network, count, depth))
            ):
                return [cls(depth - CORNERS, network.size, sure=sure)]
        return []

    def fits(self, outputs: Sequence[Floats]) -> bool | None:
        rows = outputs[0][0]
        rows = rows[np.isfinite(rows).all(axis=1) & rows.any(axis=1)]
        if not len(rows):
            return None
        return is_score(rows[:, CORNERS:]) and bool((np.abs(rows[:, :CORNERS]) < SHARES).all())

    def candidates(self, outputs: Sequence[Floats], floor: float) -> Candidates:
        rows = outputs[0][0]
        if self.fits(outputs) is False:
            raise contradicted(
                self, "its columns are not box, in shares of the picture, and scores"
            )
        boxes = _pixels(self, rows[:, :CORNERS], self._size)
        return strongest_class(boxes, rows[:, CORNERS:], floor)


def _about(network: Network) -> str:
    """Return what Ultralytics' exporter says of the kind of network, in small letters."""
    descriptions = (network.metadata.get(key, "") for key in ("description", "head"))
    return " ".join(descriptions).lower()


def _is_grid(network: Network, count: int, depth: int) -> bool:
    """Whether it may as well have one box, or three, for each cell."""
    return any(is_pyramid(count_or_depth, network.size) for count_or_depth in (count, depth)) or (
        count % 3 == 0 and is_pyramid(count // 3, network.size)
    )


def _unnamed(network: Network, *, named: bool, boxes_first: bool) -> Pair | None:
    """Return the pair of a network that calls its outputs anything.

    One box for each cell is another family's, unless the settings name this one.
    """
    pair = unnamed_pair(network, boxes_first=boxes_first)
    if pair and not named and is_pyramid(network.outputs[pair.boxes][1], network.size):
        return None
    return pair


def _above(
    head: Head, logits: Floats, floor: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Return row, class and score of all that reaches `floor`; one box may have two labels."""
    if logits.size and np.isfinite(logits).all() and is_score(logits):
        raise contradicted(head, "what should be logits lies between 0 and 1, as scores do")
    least = math.log(floor / (1 - floor)) if 0 < floor < 1 else math.copysign(math.inf, floor - 0.5)
    rows, classes = np.nonzero(logits >= least)
    # Beyond this a float32 is 0 or 1; without it the exponential would overflow.
    values = np.clip(logits[rows, classes], -80, 80)
    return rows, classes, np.asarray(1 / (1 + np.exp(-values)), np.float32)


def _pixels(head: Head, boxes: Floats, size: tuple[int, int]) -> Floats:
    """Turn centre and size in shares into corners in the input's pixels."""
    finite = boxes[np.isfinite(boxes).all(axis=1)]
    if len(finite) and np.abs(finite).max() >= SHARES:
        raise contradicted(head, "its boxes are not in shares of the picture")
    return corners(boxes) * np.array(size * 2, np.float32)
