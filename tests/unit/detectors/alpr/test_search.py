from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.detectors.alpr.ocr import PlateOcr, Reading
from zmhook.detectors.alpr.search import HOPE, View, checked, search
from zmhook.detectors.model_files import ModelFile


@pytest.fixture(scope="module")
def ocr(assets: Path) -> PlateOcr:
    path = assets / "models" / "cct_xs_v1_global.onnx"
    return PlateOcr(ModelFile("plate_ocr", path, "alpr"), 2)


def test_the_plate_of_a_car_is_found_and_read(ocr, cut):
    car = cut("plate_hyperlpr_test.jpg", 460, 273, 1920, 1044)  # as the chain cuts it out
    found = search(car, ocr.read, of_vehicle=True)
    assert found is not None
    assert found.reading.text == "ED51712"
    assert found.reading.confidence > 0.6  # it is at an angle: not all windows say the same
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
    assert sum(read) <= 41 + 3 * 2 * 36 + 4 * 12


# A picture whose columns have their number for a colour, so that a reader knows what it is shown.
COLUMNS = np.repeat(np.repeat(np.arange(250, dtype=np.uint8)[None, :, None], 90, 0), 3, 2)
TEXT, LEFT, EACH = "OVK3653", 80, 14


def reader(text: str = TEXT, left: int = LEFT):
    """Read the letters that are in a window as a whole, and be sure of them."""

    def read(pictures):
        found = []
        for one in pictures:
            first, last = int(one[0, 0, 0]), int(one[0, -1, 0])
            places = [left + i * EACH for i in range(len(text))]
            told = [c for c, x in zip(text, places, strict=True) if first <= x and x + EACH <= last]
            found.append(Reading("".join(told), 0.99, 0.99))
        return found

    return read


@pytest.mark.parametrize(
    ("first", "last"), [(0, 6), (1, 7), (2, 5), (0, 4), (3, 7), (0, 7)], ids=str
)
def test_a_window_on_a_part_of_a_plate_is_widened_until_there_is_no_more(first, last):
    box = Box(LEFT + first * EACH, 40, LEFT + last * EACH + 1, 56)
    (reading,) = reader()([COLUMNS[box.y1 : box.y2, box.x1 : box.x2]])
    assert reading.text == TEXT[first:last]
    found = checked(COLUMNS, View(box, reading), reader())
    assert found.reading.text == TEXT
    assert found.reading.confidence > 0.9


@pytest.mark.parametrize("left", [249 - 4 * EACH, -2 * EACH])
def test_what_the_pictures_border_cuts_is_not_sure_of_itself(left):
    read = reader(left=left)
    shown = TEXT[:4] if left > 0 else TEXT[2:]
    x1 = max(0, left)
    box = Box(x1, 40, min(250, x1 + len(shown) * EACH + 2), 56)
    (reading,) = read([COLUMNS[box.y1 : box.y2, box.x1 : box.x2]])
    assert reading.text == shown
    found = checked(COLUMNS, View(box, reading), read)
    assert found.reading.text == shown
    assert found.reading.confidence < 0.8


def test_where_wider_windows_say_something_else_it_is_not_sure():
    words = iter(f"ZZ{i:05}" for i in range(1000))

    def read(pictures):
        return [Reading(next(words), 0.7, 0.7) for _ in pictures]

    view = View(Box(100, 40, 180, 56), Reading("AB12345", 0.99, 0.99))
    found = checked(COLUMNS, view, read)
    assert found.reading == Reading("AB12345", pytest.approx(0.099), 0.99)


def test_most_of_the_wider_windows_may_correct_it():
    def read(pictures):
        return [Reading("AB12346", 0.95, 0.95) for _ in pictures]

    view = View(Box(100, 40, 180, 56), Reading("AB12345", 0.9, 0.9))
    found = checked(COLUMNS, view, read).reading
    assert (found.text, found.confidence) == ("AB12346", 0.95)
