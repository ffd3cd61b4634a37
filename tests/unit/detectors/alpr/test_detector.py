"""The alpr detector in the chain, with real photos and with a service that is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from zmhook.chain import Chain, ChainResult, Scene
from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection, Drop
from zmhook.detectors.alpr.detector import AlprDetector
from zmhook.detectors.base import find
from zmhook.errors import DetectorError
from zmhook.event import Event
from zmhook.frame import Crop, Frame
from zmhook.image.crop import cut as cut_out
from zmhook.settings import Alpr, Settings

EVENT = Event(id=7, monitor_id=3, asked=1_800_000_000.0)
CAR = Detection(label="car", confidence=0.91, box=Box(591, 337, 1901, 980), model="yolo")
VAN = Detection(label="truck", confidence=0.58, box=Box(65, 269, 428, 485), model="yolo")
SCENE = np.zeros((400, 800, 3), np.uint8)


def at(*box: int, label: str = "car") -> Detection:
    return Detection(label=label, confidence=0.9, box=Box(*box), model="yolo")


class KeepAll:
    """A gate that keeps everything."""

    def filter(
        self, detections: Sequence[Detection], location: Crop
    ) -> tuple[list[Detection], list[Drop]]:
        return list(detections), []

    def notifiable(self, kept: Sequence[Detection], location: Crop) -> list[Detection]:
        return list(kept)


class Outcome(NamedTuple):
    """What each scene kept, in their order, and the run's result."""

    kept: list[list[Detection]]
    result: ChainResult


def run(
    chain: Chain, frames: Sequence[Frame], known: Sequence[Sequence[Detection]] = ()
) -> Outcome:
    pairs = zip_longest(frames, known, fillvalue=())
    scenes = [Scene(frame, known=detections) for frame, detections in pairs]
    result = chain.run(scenes, KeepAll())
    return Outcome([scene.kept for scene in scenes], result)


def frame(image: np.ndarray = SCENE, **more) -> Frame:
    return Frame(**{"image": image, "id": "alarm", "origin": "here", "event": EVENT, **more})


@pytest.fixture
def detector(settings, fake_plates):
    made: list[AlprDetector] = []

    def make(**own) -> AlprDetector:
        asked = {
            "alpr_service": "plate_recognizer",
            "alpr_url": fake_plates.url,
            "alpr_key": "key",
            "alpr_timeout": 3.0,
        }
        made.append(AlprDetector(settings(**{**asked, **own})))
        made[-1].load()
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.close()


@pytest.fixture
def scene(photo) -> Frame:
    return frame(cv2.imread(str(photo("plate_hyperlpr_test.jpg"))))


def test_it_is_found_by_its_name() -> None:
    assert find("alpr") is AlprDetector


@pytest.mark.parametrize(
    ("own", "requires", "crop_to"),
    [
        ({}, {"car", "van"}, {"car", "van"}),
        ({"alpr_input": "frame"}, {"car", "van"}, set()),
        ({"alpr_use_after_detection_only": False}, set(), set()),
        ({"alpr_use_after_detection_only": False, "alpr_input": "frame"}, set(), set()),
    ],
)
def test_when_it_looks_and_at_what(own, requires: set, crop_to: set) -> None:
    alpr = Alpr(alpr_pre_existing_labels=("car", "van"), alpr_max_crops=5, **own)
    one = AlprDetector(Settings(alpr=alpr))
    assert (one.requires, one.crop_to, one.max_crops) == (requires, crop_to, 5)


def test_plates_of_a_real_photo_in_the_whole_pictures_pixels(detector, scene) -> None:
    chain = Chain([detector(alpr_service="local")])
    result = run(chain, [scene], known=[[CAR, VAN]])
    plates = [one for one in result.kept[0] if one.kind == "licenseplate"]
    assert [(one.label, one.model) for one in plates] == [("ED51712", "alpr"), ("DDS32", "alpr")]
    assert plates[0].box.iou(Box(1750, 745, 1868, 850)) > 0.4
    assert plates[0].attributes == {"plate": "ED51712"}
    assert result.result.is_complete


def test_nothing_is_asked_where_there_is_no_vehicle(detector, fake_plates) -> None:
    dog = at(0, 0, 50, 50, label="dog")
    run(Chain([detector()]), [frame()], known=[[dog]])
    assert fake_plates.asked == []


def test_a_crop_is_asked_about_and_mapped_back(detector, fake_plates, fake_plates_module) -> None:
    chain = Chain([detector(alpr_max_size=200)])
    result = run(chain, [frame()], known=[[at(100, 100, 500, 300)]])
    # A tenth is added on each side: 480x240 from (60, 80), sent as 200x100.
    assert fake_plates_module.size_of(fake_plates.asked[0].picture) == (200, 100)
    (plate,) = [one for one in result.kept[0] if one.model == "alpr"]
    assert plate.box == Box(180, 200, 420, 260)
    assert plate.label == "AB123CD"
    assert plate.attributes["plate"] == "AB123CD"
    assert plate.attributes["region"] == "fr"
    assert plate.attributes["candidates"] == "A8123CD 0.61"


def test_a_whole_frame_is_asked_about_once(detector, fake_plates) -> None:
    one = detector(alpr_input="frame")
    known = [[at(0, 0, 90, 90), at(300, 100, 500, 300)]]
    result = run(Chain([one]), [frame()], known=known)
    assert len(fake_plates.asked) == 1
    assert result.kept[0][-1].box == Box(200, 200, 600, 300)


def test_always(detector, fake_plates) -> None:
    run(Chain([detector(alpr_use_after_detection_only=False)]), [frame()])
    assert len(fake_plates.asked) == 1


def test_one_vehicle_under_two_labels_is_asked_about_once(detector, fake_plates) -> None:
    twice = [at(100, 100, 500, 300), at(104, 101, 503, 300, label="truck")]
    other = at(0, 0, 90, 90)
    result = run(Chain([detector()]), [frame()], known=[[*twice, other]])
    assert len(fake_plates.asked) == 2
    assert len([one for one in result.kept[0] if one.model == "alpr"]) == 1  # the same text


def test_a_plate_in_two_crops_is_told_of_once(detector, scene) -> None:
    part = Detection(label="bus", confidence=0.5, box=Box(1500, 500, 1901, 980), model="yolo")
    chain = Chain([detector(alpr_service="local")])
    result = run(chain, [scene], known=[[CAR, part]])
    assert len([one for one in result.kept[0] if one.model == "alpr"]) == 1


def test_two_pictures_of_an_event_are_both_read(detector, fake_plates) -> None:
    car = at(100, 100, 500, 300)
    frames = [frame(), frame(id="snapshot")]
    result = run(Chain([detector()]), frames, known=[[car], [car]])
    assert [kept[-1].label for kept in result.kept] == ["AB123CD", "AB123CD"]


@pytest.mark.parametrize(
    ("own", "label", "known"),
    [
        ({"plates": {"AB-123 CD": "Anna"}}, "Anna", "exactly"),
        ({"plates": {"AB 1?3*": "Anna"}}, "Anna", "exactly"),
        ({"plates": {"AB 124 CD": "Anna"}}, "AB123CD", None),
        (
            {"plates": {"AB 124 CD": "Anna"}, "plate_off_by_one": True},
            "Anna",
            "differs by one character",
        ),
    ],
)
def test_known_plates(detector, own, label, known) -> None:
    ((found,),) = detector(**own).detect([frame()])
    assert found.label == label
    assert found.attributes["plate"] == "AB123CD"
    assert found.attributes.get("known") == known


def test_forms_choose_among_the_readings(detector) -> None:
    ((found,),) = detector(plate_formats=("[A-Z][0-9]{4}[A-Z]{2}",)).detect([frame()])
    assert (found.label, found.confidence) == ("A8123CD", 0.61)
    assert found.attributes["candidates"] == "AB123CD 0.90"
    assert detector(plate_formats=("[0-9]+",)).detect([frame()]) == [[]]


def test_a_service_that_does_not_answer_is_not_asked_again(detector, fake_plates) -> None:
    fake_plates.will("401")
    one = detector()
    result = run(Chain([one]), [frame()], known=[[at(0, 0, 90, 90), at(300, 100, 500, 300)]])
    assert len(fake_plates.asked) == 1
    assert result.result.skipped == ["alpr skipped: the key is refused"]
    assert not result.result.is_complete  # nobody else looked
    fake_plates.will("ok")
    assert one.detect([frame()]) != [[]]
    assert one.problems == []


def test_the_events_time_is_kept(detector, fake_plates) -> None:
    assert detector().detect([frame(deadline=Deadline(0.9))]) == [[]]
    assert fake_plates.asked == []


def test_before_it_is_loaded(settings) -> None:
    with pytest.raises(DetectorError, match="before it is loaded"):
        AlprDetector(settings()).detect([frame()])


def test_its_description_tells_what_is_left(detector) -> None:
    one = detector()
    one.detect([frame()])
    assert one.description == ("alpr: plate_recognizer (cloud), 1 requests this month, 2499 left")
    one.close()
    assert one.description == "alpr"


def test_crops_of_one_picture_do_not_depend_on_another(detector: Callable, fake_plates) -> None:
    crops = [cut_out(frame(), at(0, 0, 300, 300)), cut_out(frame(id="other"), at(0, 0, 300, 300))]
    assert [len(found) for found in detector().detect(crops)] == [1, 1]
    assert len(fake_plates.asked) == 2
