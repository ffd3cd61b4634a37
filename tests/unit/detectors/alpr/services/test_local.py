from __future__ import annotations

import logging

import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.detection import Box
from zmhook.detectors.alpr.services.base import PlateServiceError, service_for
from zmhook.detectors.alpr.services.local import MOST, PlateFinder
from zmhook.errors import DetectorError, ModelFileError

CAR = (460, 273, 1920, 1044)


@pytest.fixture
def service(settings):
    made = []

    def make(**own):
        one = service_for(settings(alpr_service="local", **own))
        one.load()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()
        one.close()


def test_without_a_network_that_finds_plates_they_are_searched_for(service, cut, caplog):
    caplog.set_level(logging.INFO)
    one = service(plate_detector="/no/such/file.onnx")
    (plate,) = one.read(cut("plate_hyperlpr_test.jpg", *CAR), Deadline(60), of_vehicle=True)
    assert plate.text == "ED51712"
    assert "no plate_detector (/no/such/file.onnx): plates are searched for" in caplog.text
    assert one.description == "local, cct_xs_v1_global.onnx, plates found by searching"


def test_with_one_its_plates_are_read(service, cut, network):
    """A network that says where the plate of this photo is; the reading is real."""
    # The photo, 1920x1080, lies in 64x64 as 64x36, 14 from the top: 30 pixels to one.
    x1, y1, x2, y2 = 1750 / 30, 745 / 30 + 14, 1868 / 30, 850 / 30 + 14
    sky = [0, 2, 14, 10, 18, 0, 0.5]
    path = network(np.array([[0, x1, y1, x2, y2, 0, 0.9], sky]))
    one = service(plate_detector=str(path))
    found = one.read(cut("plate_hyperlpr_test.jpg"), Deadline(60), of_vehicle=False)
    assert [plate.text for plate in found] == ["ED51712"]
    assert found[0].box == Box(1750, 745, 1868, 850)
    assert found[0].attributes == {"dscore": 0.9}
    assert found[0].confidence > 0.9
    assert one.description.endswith("plates found by made.onnx")


def test_what_is_far_below_is_not_told_of(service, cut):
    car = cut("dog.jpg", 445, 67, 714, 179)
    one = service(plate_min_confidence=0.9)
    assert one.read(car, Deadline(60), of_vehicle=True) == []


def test_no_time_left(service, cut):
    with pytest.raises(PlateServiceError, match="no time left to read"):
        service().read(cut("dog.jpg"), Deadline(0), of_vehicle=True)


def test_without_the_file_that_reads(service):
    with pytest.raises(DetectorError, match=r"\[alpr\] plate_ocr is empty"):
        service(plate_ocr="")
    with pytest.raises(ModelFileError, match=r"plate_ocr: /no/such.onnx does not exist; copy"):
        service(plate_ocr="/no/such.onnx")


def test_before_it_is_loaded(settings, cut):
    with pytest.raises(DetectorError, match="before it is loaded"):
        service_for(settings()).read(cut("dog.jpg"), Deadline(1), of_vehicle=True)


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
