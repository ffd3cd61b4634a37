from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box, Detection
from zmhook.detectors.nms import suppressed
from zmhook.detectors.yolo.heads.base import MAX_KEPT, Candidates


def candidates(*rows: tuple[tuple[float, ...], float, int]) -> Candidates:
    boxes, scores, classes = zip(*rows, strict=True) if rows else ((), (), ())
    return Candidates(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.intp),
    )


def test_the_strongest_of_overlapping_boxes_stays():
    found = candidates(
        ((0, 0, 10, 10), 0.5, 0), ((1, 0, 11, 10), 0.9, 0), ((50, 0, 60, 10), 0.4, 0)
    )
    kept = found.suppressed(0.45)
    assert kept.scores.tolist() == pytest.approx([0.9, 0.4])


def test_boxes_of_two_classes_do_not_suppress_each_other():
    found = candidates(((0, 0, 10, 10), 0.9, 2), ((0, 0, 10, 10), 0.8, 7))
    assert found.suppressed(0.45).classes.tolist() == [2, 7]


@pytest.mark.parametrize(("threshold", "kept"), [(0.32, 1), (0.34, 2)])
def test_only_more_overlap_than_the_threshold_suppresses(threshold, kept):
    third = candidates(((0, 0, 10, 10), 0.9, 0), ((5, 0, 15, 10), 0.8, 0))  # IoU 1/3
    assert len(third.suppressed(threshold).scores) == kept


def test_nothing_in_nothing_out():
    assert len(candidates().suppressed(0.45).scores) == 0


def test_what_is_kept_is_bounded():
    apart = candidates(*(((i * 20, 0, i * 20 + 10, 10), 0.5, 0) for i in range(MAX_KEPT + 50)))
    assert len(apart.suppressed(0.45).scores) == MAX_KEPT


def test_equally_strong_ones_stay_in_their_order():
    same = candidates(*(((i * 20, 0, i * 20 + 10, 10), 0.5, i) for i in range(5)))
    assert same.strongest(3).classes.tolist() == [0, 1, 2]


BOXES = st.tuples(*(st.integers(0, 60),) * 2, *(st.integers(1, 40),) * 2)
ROWS = st.lists(st.tuples(BOXES, st.integers(1, 1000), st.integers(0, 3)), max_size=40)


@given(ROWS, st.sampled_from([0.0, 0.3, 0.45, 1.0]))
def test_it_does_what_a_plain_loop_does(rows, threshold):
    rows = [((x, y, x + w, y + h), score / 1000, kind) for (x, y, w, h), score, kind in rows]
    kept: list[tuple[Box, int]] = []
    for corners, _, kind in sorted(rows, key=lambda row: -np.float32(row[1])):
        box = Box(*corners)
        if all(box.iou(other) <= threshold or kind != theirs for other, theirs in kept):
            kept.append((box, kind))
    found = candidates(*rows).suppressed(threshold)
    assert [
        (Box(*map(int, box)), kind)
        for box, kind in zip(found.boxes.tolist(), found.classes.tolist(), strict=True)
    ] == kept


@pytest.mark.parametrize(("threshold", "kept"), [(0.32, "bc"), (0.34, "bac")])
def test_detections_of_all_labels_suppress_each_other(threshold: float, kept: str) -> None:
    """a and b have an IoU of 1/3."""
    boxes = {"a": Box(5, 0, 15, 10), "c": Box(90, 0, 100, 10), "b": Box(0, 0, 10, 10)}
    confidence = {"a": 0.8, "b": 0.9, "c": 0.7}
    detections = [
        Detection(label=label, confidence=confidence[label], box=box, model="m")
        for label, box in boxes.items()
    ]
    assert "".join(one.label for one in suppressed(detections, threshold)) == kept
    assert suppressed([], threshold) == []
