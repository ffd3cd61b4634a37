"""What comes of networks that say odd things. `network` writes ONNX files that say just that."""

from __future__ import annotations

import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.errors import ModelFileError

NAMES = {"names": "['cat', 'dog']"}


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    """What an end-to-end network gives: 300 rows of x1, y1, x2, y2, score, class."""
    made = np.zeros((1, 300, 6))
    made[0, : len(rows)] = rows
    return made


def test_an_end_to_end_network(yolo, network, grey):
    weights = network(boxes((8, 12, 40, 52, 0.9, 1), (0, 8, 64, 56, 0.5, 0)), metadata=NAMES)
    dog, cat = yolo(weights).detect([grey])[0]
    assert (dog.label, dog.box, cat.label) == ("dog", Box(8, 4, 40, 44), "cat")
    assert (dog.confidence, cat.confidence) == pytest.approx((0.9, 0.5))


def test_its_overlapping_boxes_are_its_own_decision(yolo, network, grey):
    weights = network(boxes(*[(8, 12, 40, 52, 0.9, 1)] * 3), metadata=NAMES)
    assert len(yolo(weights).detect([grey])[0]) == 3


def test_half_precision(yolo, network, grey):
    weights = network(boxes((8, 12, 40, 52, 0.9, 1)), metadata=NAMES, half=True)
    (dog,) = yolo(weights).detect([grey])[0]
    assert (dog.label, dog.box) == ("dog", Box(8, 4, 40, 44))
    assert dog.confidence == pytest.approx(0.9, abs=1e-3)


def test_a_network_with_two_classes_and_three_boxes_a_cell(yolo, network, grey):
    made = np.zeros((1, 3 * (64 + 16 + 4), 7))
    made[0, 5] = (24, 32, 32, 40, 0.9, 0.2, 0.8)
    (dog,) = yolo(network(made, metadata=NAMES)).detect([grey])[0]
    assert (dog.label, dog.box) == ("dog", Box(8, 4, 40, 44))
    assert dog.confidence == pytest.approx(0.72)


def test_a_wide_input(yolo, network, grey):
    made = np.zeros((1, 6, 16 * 8 + 8 * 4 + 4 * 2))
    made[0, :, 3] = (64, 32, 16, 16, 0.1, 0.9)
    (dog,) = yolo(network(made, size=(128, 64), metadata=NAMES)).detect([grey])[0]
    assert dog.box == Box(26, 18, 38, 30)


def test_an_open_size_is_640_unless_it_is_set(yolo, open_network, caplog):
    caplog.set_level("INFO")
    yolo(open_network)
    yolo(open_network, yolo_input_size=320)
    assert "640x640" in caplog.records[0].message
    assert "320x320" in caplog.records[1].message


def test_an_open_size_that_no_network_can_take(yolo, open_network):
    with pytest.raises(ModelFileError, match=r"yolo_input_size: 500 is not a multiple of 32.*512"):
        yolo(open_network, yolo_input_size=500)


def test_numbers_that_are_none_are_dropped(yolo, network, grey):
    odd = boxes(
        (np.nan, 0, 9, 9, 0.9, 0),
        (0, 0, np.inf, 9, 0.9, 0),
        (0, 0, 9, 9, np.nan, 0),
        (0, 8, 9, 20, 0.8, 0),
    )
    assert len(yolo(network(odd, metadata=NAMES)).detect([grey])[0]) == 1


def test_a_score_just_above_one_is_one(yolo, network, grey):
    weights = network(boxes((8, 12, 40, 52, 1.004, 1)), metadata=NAMES)
    assert yolo(weights).detect([grey])[0][0].confidence == 1.0


def test_scores_beyond_one_are_refused(yolo, network, grey):
    detector = yolo(network(boxes((8, 12, 40, 52, 7.5, 1)), metadata=NAMES))
    with pytest.raises(ModelFileError, match=r"made\.onnx gives a score of 7.5, above 1"):
        detector.detect([grey])


@pytest.mark.parametrize("number", [2, -1])
def test_a_class_without_a_label_is_refused(yolo, network, grey, number):
    detector = yolo(network(boxes((8, 12, 40, 52, 0.9, number)), metadata=NAMES))
    with pytest.raises(ModelFileError, match=f"2 labels, but .* class number {number}"):
        detector.detect([grey])


def test_a_box_outside_the_picture_is_clipped(yolo, network, grey):
    weights = network(boxes((-30, -30, 900, 900, 0.9, 0)), metadata=NAMES)
    assert yolo(weights).detect([grey])[0][0].box == Box(0, 0, 64, 48)


def test_labels_of_the_user(yolo, network, grey, tmp_path):
    (tmp_path / "namen").write_text("Katze\nHund\n")
    weights = network(boxes((8, 12, 40, 52, 0.9, 1)), metadata=NAMES)
    assert yolo(weights, labels=tmp_path / "namen").detect([grey])[0][0].label == "Hund"
