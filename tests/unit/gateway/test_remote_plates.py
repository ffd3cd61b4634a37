"""RemotePlates that another machine has read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.frame import Crop
from zmhook.gateway.remote_plates import RemotePlates
from zmhook.settings import Alpr

BOX = Box(2, 2, 12, 6)


def plate(label: str, box: Box = BOX, **attributes: Any) -> Detection:
    return Detection(
        label=label,
        confidence=0.9,
        box=box,
        model="alpr",
        kind="licenseplate",
        attributes=attributes,
    )


@pytest.fixture
def plates(configured):
    def make(known: dict[str, str] | None = None, **alpr: Any) -> RemotePlates:
        settings = configured("http://gpu")
        return RemotePlates(structs.replace(settings, alpr=Alpr(**alpr), plates=known or {}))

    return make


@pytest.fixture
def cut(frame):
    """A vehicle that was cut out of a picture, at so many pixels from its left."""

    def make(left: int, label: str = "car", frame_id: str = "alarm"):
        of = Detection(label=label, confidence=0.9, box=Box(left, 0, left + 40, 40), model="yolo")
        crop = Crop(box=of.box, width=640, height=480, source=of)
        return frame(40, 40, frame_id, crop=crop)

    return make


def labels(found: Sequence[Sequence[Detection]]) -> list[list[str]]:
    return [[one.label for one in some] for some in found]


def test_whose_it_is_is_our_own_business(plates, cut) -> None:
    ours = plates({"AB 123": "Ann"}, plate_off_by_one=True)
    (found,) = ours.read([cut(0)], lambda _: [[plate("ab-123")]])
    assert [(one.label, one.attributes) for one in found] == [
        ("Ann", {"plate": "AB123", "known": "exactly"})
    ]
    other = plate("AB1Z3", Box(20, 20, 39, 39))
    ((one,),) = ours.read([cut(0)], lambda _: [[other]])
    assert (one.label, one.attributes["known"]) == ("Ann", "differs by one character")


def test_who_is_known_there_alone_keeps_that_name(plates, cut) -> None:
    ((one,),) = plates().read([cut(0)], lambda _: [[plate("Bob", plate="XY9")]])
    assert (one.label, one.attributes) == ("Bob", {"plate": "XY9"})


def test_which_texts_are_plates_is_our_own_business(plates, cut) -> None:
    ours = plates(plate_formats=("[A-Z]{2}[0-9]+",))
    found = [plate("AB1"), plate("12", Box(20, 20, 39, 39)), plate("!!", Box(20, 2, 39, 12))]
    assert labels(ours.read([cut(0)], lambda _: [found])) == [["AB1"]]


def test_a_vehicle_that_was_found_twice_is_looked_at_once(plates, cut) -> None:
    asked: list[Any] = []

    def look(frames: Sequence[Any]) -> list[list[Detection]]:
        asked.extend(frames)
        return [[plate(f"P{i}")] for i, _ in enumerate(frames)]

    frames = [cut(0), cut(2, "truck"), cut(200), cut(0, frame_id="2")]
    assert labels(plates().read(frames, look)) == [["P0"], [], ["P1"], ["P2"]]
    assert asked == [frames[0], frames[2], frames[3]]


def test_a_plate_in_two_crops_is_told_of_once(plates, cut) -> None:
    found = plates().read([cut(0), cut(25)], lambda _: [[plate("AB1")], [plate("AB1")]])
    assert labels(found) == [["AB1"], []]
