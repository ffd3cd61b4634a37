"""Each head's reading of one made-up answer, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zmhook.detectors.yolo.engines.base import Network
from zmhook.detectors.yolo.heads.anchor_free import AnchorFreeHead
from zmhook.detectors.yolo.heads.anchors import AnchorsHead
from zmhook.detectors.yolo.heads.base import Head, Pair
from zmhook.detectors.yolo.heads.darknet import DarknetHead
from zmhook.detectors.yolo.heads.detr import RtDetrHead
from zmhook.detectors.yolo.heads.end_to_end import BatchedEndToEndHead, EndToEndHead
from zmhook.detectors.yolo.heads.nas import NasBatchHead, NasFlatHead, NasRawHead
from zmhook.detectors.yolo.heads.yolox import YoloxHead
from zmhook.errors import ModelFileError

CELLS = 64 + 16 + 4  # of a 64x64 input at strides 8, 16 and 32


def answer(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def one(head, *outputs: np.ndarray, floor: float = 0.1) -> tuple[list[float], float, int]:
    """The only candidate: corners, score, class."""
    found = head.candidates(outputs, floor)
    assert len(found.scores) == 1
    return found.boxes[0].tolist(), float(found.scores[0]), int(found.classes[0])


@pytest.mark.parametrize("transposed", [False, True])
def test_anchor_free(transposed):
    made = answer(1, 4 + 3, CELLS)
    made[0, :, 7] = (20, 30, 8, 4, 0.2, 0.6, 0.5)
    made[0, :, 8] = (20, 30, 8, 4, 0.05, 0.09, 0.02)
    if transposed:
        made = made.transpose(0, 2, 1)
    found = one(AnchorFreeHead(3, transposed=transposed), made)
    assert found == ([16, 28, 24, 32], pytest.approx(0.6), 1)


def test_anchors():
    made = answer(1, 3 * CELLS, 5 + 3)
    made[0, 7] = (20, 30, 8, 4, 0.5, 0.2, 0.1, 0.8)
    made[0, 8] = (20, 30, 8, 4, 0.5, 0.1, 0.1, 0.1)  # 0.05 when multiplied
    assert one(AnchorsHead(3), made) == ([16, 28, 24, 32], pytest.approx(0.4), 2)


def test_yolox_decodes_by_cell_and_stride():
    made = answer(1, CELLS, 5 + 3)
    # The fourth cell of stride 16's second row: column 3, row 1.
    made[0, 64 + 7] = (0.5, -0.25, math.log(2), math.log(0.5), 0.9, 0.5, 0.1, 0.1)
    boxes, score, kind = one(YoloxHead(3, (64, 64)), made)
    assert boxes == pytest.approx([56 - 16, 12 - 4, 56 + 16, 12 + 4])
    assert (score, kind) == (pytest.approx(0.45), 0)


def test_yolox_that_is_decoded_already_is_refused():
    made = answer(1, CELLS, 5 + 3)
    made[0, -1, :4] = (48, 50, 30, 30)
    with pytest.raises(ModelFileError, match="decoded boxes"):
        YoloxHead(3, (64, 64)).candidates([made], 0.1)


def test_yolox_with_a_size_beyond_all_bounds_raises_no_warning():
    made = answer(1, CELLS, 5 + 3)
    made[0, 0] = (0, 0, 1000, 1000, 1, 1, 0, 0)
    boxes, _, _ = one(YoloxHead(3, (64, 64)), made)
    assert not np.isfinite(boxes).all()


def test_end_to_end():
    made = answer(1, 300, 6)
    made[0, 7] = (16, 28, 24, 32, 0.6, 2)
    made[0, 8] = (16, 28, 24, 32, 0.09, 1)
    assert one(EndToEndHead(), made) == ([16, 28, 24, 32], pytest.approx(0.6), 2)


def test_end_to_end_with_nms():
    made = answer(2, 7)
    made[0] = (0, 16, 28, 24, 32, 2, 0.6)
    made[1] = (0, 1, 2, 3, 4, 1, 0.05)
    assert one(BatchedEndToEndHead(), made) == ([16, 28, 24, 32], pytest.approx(0.6), 2)
    assert len(BatchedEndToEndHead().candidates([answer(0, 7)], 0.1).scores) == 0


def test_darknet_gathers_its_scales():
    small, large = answer(12, 5 + 3), answer(48, 5 + 3)
    large[5] = (0.5, 0.25, 0.25, 0.5, 0.9, 0.1, 0.7, 0.2)
    found = one(DarknetHead(3, (320, 160)), small, large)
    assert found == ([120, 0, 200, 80], pytest.approx(0.7), 1)


@pytest.mark.parametrize(
    "head",
    [
        AnchorFreeHead(3, transposed=False),
        AnchorsHead(3),
        YoloxHead(3, (64, 64)),
        DarknetHead(3, (64, 64)),
    ],
)
def test_nothing_above_the_floor_is_no_candidate(head):
    shape = {"YOLOv8/v11": (1, 7, CELLS), "Darknet YOLO": (CELLS, 8)}.get(head.name, (1, CELLS, 8))
    assert len(head.candidates([answer(*shape)], 0.1).scores) == 0


def test_darknets_of_onnx_files_are_not_read():
    assert DarknetHead.readings(Network("onnx", 640, 640, ((100, 7),))) == []


def _end_to_end(box: list[float], score: float) -> tuple[Head, list[np.ndarray]]:
    return EndToEndHead(), [np.array([[[*box, score, 1], [0] * 6]], np.float32)]


def _batched(box: list[float], score: float) -> tuple[Head, list[np.ndarray]]:
    return BatchedEndToEndHead(), [np.array([[0, *box, 1, score], [0] * 7], np.float32)]


def _nas_flat(box: list[float], score: float) -> tuple[Head, list[np.ndarray]]:
    return NasFlatHead(), [np.array([[0, *box, score, 1], [0] * 7], np.float32)]


def _nas_batch(box: list[float], score: float) -> tuple[Head, list[np.ndarray]]:
    boxes, scores, classes = [[box, [0] * 4]], [[score, 0]], [[1, 0]]
    return NasBatchHead(), [np.array(one, np.float32) for one in ([[2]], boxes, scores, classes)]


def _nas_raw(box: list[float], score: float) -> tuple[Head, list[np.ndarray]]:
    boxes, scores = [[box, [0] * 4]], [[[0, score], [0, 0]]]
    return NasRawHead(2, Pair(0, 1)), [np.array(one, np.float32) for one in (boxes, scores)]


def _rt_detr(box: list[float], score: float) -> tuple[Head, list[np.ndarray]]:
    labels, boxes, scores = [[1, 0]], [[box, [0] * 4]], [[score, 0]]
    return RtDetrHead(), [np.array(one, np.float32) for one in (labels, boxes, scores)]


CORNERS = [_end_to_end, _batched, _nas_flat, _nas_batch, _nas_raw, _rt_detr]


@pytest.mark.parametrize("made", CORNERS)
@pytest.mark.parametrize("box", [[250, 250, 50, 60], [20, 250, 30, 60], [250, 20, 60, 30]])
def test_corners_in_the_wrong_order_are_refused(made, box):
    head, outputs = made(box, 0.9)
    with pytest.raises(ModelFileError, match=r"yolo_head: .* they end before they begin"):
        head.candidates(outputs, 0.5)
    assert len(head.candidates(made(box, 0.4)[1], 0.5).scores) == 0


@pytest.mark.parametrize("made", CORNERS)
@pytest.mark.parametrize("box", [[20, 30, 20, 30], [20, 30, 19.5, 40], [20, math.nan, 50, 30]])
def test_corners_that_rounding_made_equal_are_taken(made, box):
    head, outputs = made(box, 0.9)
    assert len(head.candidates(outputs, 0.5).scores) == 1
