from __future__ import annotations

import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.detectors.alpr.finder import MOST, PlateFinder
from zmhook.errors import ModelFileError

PICTURE = np.zeros((64, 128, 3), np.uint8)  # lies in 64x64 as 64x32, with 16 above and below


@pytest.fixture
def finder(settings):
    made: list[PlateFinder] = []

    def make(path) -> PlateFinder:
        made.append(PlateFinder(settings(plate_detector=str(path))))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_an_end_to_end_network_with_nms(finder, network):
    """As open-image-models' are: picture, x1, y1, x2, y2, class, score."""
    rows = np.array(
        [[0, 8, 24, 24, 32, 0, 0.9], [0, 1, 17, 5, 20, 0, 0.1], [0, 1, 1, 2, 2, 0, np.nan]]
    )
    (found,) = finder(network(rows)).find(PICTURE)
    assert found.box == Box(16, 16, 48, 32)
    assert found.confidence == pytest.approx(0.9)


def test_one_that_found_nothing(finder, network):
    assert finder(network(np.zeros((0, 7)))).find(PICTURE) == []


def test_a_network_with_one_class_and_no_names(finder, network):
    """YOLOv8's shape: centre, size and the score of its only class for each of 84 cells."""
    cells = np.zeros((1, 5, 84))
    cells[0, :, 3] = (16, 28, 16, 8, 0.8)
    cells[0, :, 4] = (17, 28, 16, 8, 0.7)
    (found,) = finder(network(cells)).find(PICTURE)
    assert found.box == Box(16, 16, 48, 32)


def test_of_several_classes_those_that_are_plates(finder, network):
    rows = np.array([[0, 8, 24, 24, 32, 1, 0.8], [0, 0, 16, 60, 40, 0, 0.9]])
    path = network(rows, metadata={"names": "{0: 'car', 1: 'License_Plate'}"})
    (found,) = finder(path).find(PICTURE)
    assert found.box == Box(16, 16, 48, 32)


def test_no_more_than_a_few(finder, network):
    rows = np.array([[0, i, 17, i + 2, 20, 0, 0.5] for i in range(60)])
    assert len(finder(network(rows)).find(PICTURE)) == MOST


def test_other_networks_are_refused_by_their_setting(finder, network, tmp_path):
    with pytest.raises(ModelFileError, match=r"^\[alpr\] plate_detector: .* is no YOLO network"):
        finder(network(np.zeros((1, 10))))
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no")
    with pytest.raises(ModelFileError, match=r"^\[alpr\] plate_detector: .*bad\.onnx is damaged"):
        finder(bad)
