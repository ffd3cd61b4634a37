"""OpenCV's people detector on real photos; YOLOv8n's boxes are the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from zmhook.detection import Box, Detection
from zmhook.detectors.hog import HogDetector, confidence
from zmhook.errors import DetectorError
from zmhook.frame import Frame
from zmhook.settings import Hog, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

cv2 = pytest.importorskip("cv2")

SURE = 0.6


def search(image: np.ndarray, **settings: object) -> list[Detection]:
    detector = HogDetector(Settings(hog=Hog(**settings)))
    detector.load()
    return detector.detect([Frame(image=image, id="snapshot", origin="made")])[0]


def test_it_may_wait_for_something_and_look_only_there() -> None:
    hog = Hog(hog_pre_existing_labels=("car",), hog_crop_to=("bus",))
    detector = HogDetector(Settings(hog=hog))
    assert (detector.requires, detector.crop_to) == ({"car"}, {"bus"})
    assert HogDetector(Settings()).requires == frozenset()


@pytest.fixture
def read(photo) -> Callable[..., np.ndarray]:
    def open_(name: str, width: int = 0) -> np.ndarray:
        image = cv2.imread(str(photo(name)))
        if not width:
            return image
        height = round(image.shape[0] * width / image.shape[1])
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)

    return open_


def test_a_person_is_found_where_they_are(read):
    (person,) = search(read("person.jpg"))
    assert (person.label, person.model, person.kind) == ("person", "hog", "object")
    assert person.confidence == pytest.approx(0.63, abs=0.02)
    assert person.box.iou(Box(192, 100, 275, 375)) >= 0.7


def test_a_clear_pedestrian_is_sure(read):
    found = search(read("coco_000000277005.jpg"))
    assert found[0].confidence > 0.99
    assert found[0].box.iou(Box(185, 259, 229, 386)) >= 0.75


def test_people_in_a_street_are_found_strongest_first(read):
    found = [one for one in search(read("busstop.jpg", 1280)) if one.confidence >= SURE]
    assert len(found) >= 4
    figures = [one.confidence for one in found]
    assert figures == sorted(figures, reverse=True)
    assert found[0].box.iou(Box(413, 156, 472, 322)) >= 0.7
    assert any(one.box.iou(Box(526, 124, 606, 346)) >= 0.6 for one in found)


@pytest.mark.parametrize("name", ["dog.jpg", "horses.jpg", "plate_hyperlpr_test.jpg"])
def test_no_person_no_alarm(read, name):
    assert all(one.confidence < SURE for one in search(read(name, 640)))


@pytest.mark.parametrize(
    ("score", "low", "high"),
    [
        (-1e9, 0, 1e-9),
        (0, 0.02, 0.05),
        (1.09, 0.4, 0.6),
        (1.33, 0.6, 0.7),
        (2, 0.9, 1),
        (1e9, 0.99, 1),
    ],
)
def test_confidences_follow_the_score(score, low, high):
    assert low <= confidence(score) <= high


def test_the_settings_reach_the_search(read):
    image = read("person.jpg")
    usual = search(image)
    assert search(image, mean_shift=1) != usual
    assert search(image, stride=(8, 8)) != usual
    assert search(image, scale=1.3) != usual
    assert search(image, padding=(32, 32)) != usual


@pytest.mark.parametrize("size", [(1, 1), (63, 30), (4000, 10), (10, 4000), (31, 64)])
def test_a_picture_too_small_for_a_person_is_empty_and_no_crash(size):
    assert search(np.full((size[1], size[0], 3), 90, np.uint8)) == []


@pytest.mark.parametrize("size", [(64, 128), (63, 127), (32, 64), (400, 70), (50, 400)])
def test_a_picture_around_the_windows_size_can_be_searched(size):
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    for one in search(noise):
        assert one.box.x2 <= size[0]
        assert one.box.y2 <= size[1]


def test_a_small_cut_out_is_enlarged(read):
    cut = cv2.resize(read("coco_000000277005.jpg")[230:420, 155:260], (53, 95))
    (person,) = (one for one in search(cut) if one.confidence >= SURE)
    assert person.box.iou(Box(15, 15, 37, 78)) >= 0.6


def test_it_has_to_be_loaded(read):
    detector = HogDetector(Settings())
    frame = Frame(image=read("person.jpg"), id="snapshot", origin="made")
    with pytest.raises(DetectorError, match="before it is loaded"):
        detector.detect([frame])
    detector.load()
    detector.close()
    detector.close()
    with pytest.raises(DetectorError, match="before it is loaded"):
        detector.detect([frame])


def test_opencv_without_it_is_named(monkeypatch):
    monkeypatch.delattr(cv2, "HOGDescriptor")
    with pytest.raises(DetectorError, match="no people detector: pip install"):
        HogDetector(Settings()).load()


def test_what_opencv_refuses_is_one_error(read):
    with pytest.raises(DetectorError, match=r"hog failed; check \[hog\] stride") as caught:
        search(read("person.jpg"), stride=(-4, -4))
    assert "\n" not in str(caught.value)
