from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.detectors.alpr.ocr import PlateOcr
from zmhook.detectors.alpr.search import HOPE, search
from zmhook.detectors.yolo.files import ModelFile


@pytest.fixture(scope="module")
def ocr(assets: Path) -> PlateOcr:
    path = assets / "models" / "cct_xs_v1_global.onnx"
    return PlateOcr(ModelFile("plate_ocr", path, "alpr"), 2)


def test_the_plate_of_a_car_is_found_and_read(ocr, cut):
    car = cut("plate_hyperlpr_test.jpg", 460, 273, 1920, 1044)  # as the chain cuts it out
    found = search(car, ocr.read, of_vehicle=True)
    assert found is not None
    assert found.reading.text == "ED51712"
    assert found.reading.confidence > 0.9
    assert found.box.iou(Box(1290, 472, 1408, 577)) > 0.4


def test_a_plate_that_is_half_hidden_is_read_as_far_as_it_shows(ocr, cut):
    van = cut("plate_hyperlpr_test.jpg", 29, 247, 464, 507)
    found = search(van, ocr.read, of_vehicle=True)
    assert found is not None
    assert found.reading.text == "DDS32"


@pytest.mark.parametrize(
    ("name", "box"),
    [
        ("dog.jpg", (445, 67, 714, 179)),
        ("parking.jpg", (165, 439, 607, 591)),
        ("busstop.jpg", (1116, 0, 1324, 106)),
        ("coco_000000277005.jpg", (401, 262, 564, 337)),
    ],
)
def test_nothing_is_read_where_no_plate_can_be_read(ocr, cut, name, box):
    found = search(cut(name, *box), ocr.read, of_vehicle=True)
    assert found is None or found.reading.confidence < 0.6


def test_a_picture_that_is_a_plate(ocr, cut):
    found = search(cut("fpo_test_plate_1.png"), ocr.read, of_vehicle=False)
    assert found is not None
    assert found.reading.text == "AD799KB"


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (30, 30), (200, 20)])
def test_odd_pictures_hold_no_plate(ocr, size):
    image = np.random.default_rng(1).integers(0, 255, (*size, 3), np.uint8)
    for of_vehicle in (True, False):
        found = search(image, ocr.read, of_vehicle=of_vehicle)
        assert found is None or found.reading.confidence < HOPE
        if found:
            assert 0 <= found.box.x1 < found.box.x2 <= size[1]
            assert 0 <= found.box.y1 < found.box.y2 <= size[0]


def test_what_is_read_is_bounded(ocr, cut):
    read: list[int] = []

    def counting(pictures):
        read.append(len(pictures))
        return ocr.read(pictures)

    search(cut("parking.jpg"), counting, of_vehicle=False)
    assert sum(read) <= 41 + 3 * 2 * 36
