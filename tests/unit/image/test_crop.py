"""Boxes go from a part of a picture to the whole and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook.detection import Box, Detection
from zmhook.frame import Crop, Frame, frame_crop
from zmhook.image.crop import cut, is_in_frame, point_to_frame, to_frame, to_scene

SCENE = 1000, 800


def frame(width: int, height: int, crop: Crop | None = None) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8), "track", "test", b"file", crop)


def found(box: Box) -> Detection:
    return Detection(label="person", confidence=0.9, box=box, model="yolo")


def part(x1: int, y1: int, x2: int, y2: int) -> Crop:
    return Crop(box=Box(x1, y1, x2, y2), width=SCENE[0], height=SCENE[1])


@st.composite
def boxes(draw: st.DrawFn, width: int, height: int, smallest: int = 1) -> Box:
    x1 = draw(st.integers(0, width - smallest))
    y1 = draw(st.integers(0, height - smallest))
    return Box(
        x1,
        y1,
        draw(st.integers(x1 + smallest, width)),
        draw(st.integers(y1 + smallest, height)),
    )


crops = boxes(*SCENE, smallest=10).map(lambda box: Crop(box=box, width=SCENE[0], height=SCENE[1]))


def close(one: Box, other: Box, pixels: float) -> bool:
    pairs = (one.x1, other.x1), (one.y1, other.y1), (one.x2, other.x2), (one.y2, other.y2)
    return all(abs(a - b) <= pixels for a, b in pairs)


# -- examples ------------------------------------------------------------------------------------


def test_a_frame_that_is_no_part_is_its_own_whole() -> None:
    alone = frame(64, 48)
    one = found(Box(1, 2, 3, 4))
    assert to_scene(one, alone) is one
    assert to_frame(one.box, alone) == one.box
    assert point_to_frame(-7, 99, alone) == (-7, 99)
    assert frame_crop(alone) == Crop(box=Box(0, 0, 64, 48), width=64, height=48)
    assert not frame_crop(alone).is_part


def test_a_part_is_shifted() -> None:
    shown = frame(100, 50, part(300, 200, 400, 250))
    assert to_scene(found(Box(10, 20, 30, 40)), shown).box == Box(310, 220, 330, 240)
    assert to_frame(Box(310, 220, 330, 240), shown) == Box(10, 20, 30, 40)
    assert frame_crop(shown) is shown.crop
    assert frame_crop(shown).is_part


def test_a_part_in_half_its_size_is_scaled_too() -> None:
    shown = frame(50, 25, part(300, 200, 400, 250))
    assert to_scene(found(Box(5, 10, 15, 20)), shown).box == Box(310, 220, 330, 240)
    assert to_frame(Box(310, 220, 330, 240), shown) == Box(5, 10, 15, 20)
    assert point_to_frame(290, 260, shown) == (-5, 30)


def test_what_a_detection_is_otherwise_stays() -> None:
    one = Detection(
        label="x", confidence=0.3, box=Box(0, 0, 9, 9), model="m", attributes={"colour": "red"}
    )
    full = to_scene(one, frame(100, 50, part(300, 200, 400, 250)))
    assert (full.label, full.confidence, full.attributes) == ("x", 0.3, {"colour": "red"})


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        (Box(350, 210, 360, 220), True),
        (Box(0, 0, 1000, 800), True),
        (Box(399, 249, 900, 700), True),
        (Box(400, 210, 500, 220), False),
        (Box(200, 210, 300, 220), False),
        (Box(350, 250, 360, 300), False),
        (Box(350, 100, 360, 200), False),
    ],
)
def test_what_has_a_part_in_the_frame(box: Box, shown: bool) -> None:
    assert is_in_frame(box, frame(10, 5, part(300, 200, 400, 250))) is shown


def test_cutting_out_with_a_margin() -> None:
    image = np.arange(40 * 60 * 3, dtype=np.uint32).reshape(40, 60, 3).astype(np.uint8)
    one = found(Box(20, 10, 40, 30))
    made = cut(Frame(image, "alarm", "here", b"file"), one, margin=0.1)
    assert (made.image == image[8:32, 18:42]).all()
    assert made.crop == Crop(box=Box(18, 8, 42, 32), width=60, height=40, source=one)
    assert (made.id, made.origin, made.data) == ("alarm", "here", b"")


def test_cutting_at_the_edge_stays_within() -> None:
    made = cut(frame(60, 40), found(Box(0, 0, 60, 40)), margin=0.5)
    assert made.crop is not None
    assert made.crop.box == Box(0, 0, 60, 40)


def test_cutting_out_of_a_picture_whose_place_nobody_knows() -> None:
    unplaced = Crop(box=Box(0, 0, 60, 40), width=60, height=40, located=False)
    made = cut(frame(60, 40, unplaced), found(Box(20, 10, 40, 30)))
    assert made.crop is not None
    assert not made.crop.located


# -- properties ----------------------------------------------------------------------------------


@given(crops, st.integers(1, 400), st.integers(1, 400), st.data())
def test_there_and_back_is_where_it_was(
    crop: Crop, width: int, height: int, data: st.DataObject
) -> None:
    """Rounding to pixels, of which a box has one at least, is all that is lost."""
    shown = frame(width, height, crop)
    box = data.draw(boxes(width, height))
    back = to_frame(to_scene(found(box), shown).box, shown)
    lost = max(width / crop.box.width, height / crop.box.height, 1)
    assert close(back, box, 1.5 * lost + 1)


@given(crops, st.integers(1, 400), st.integers(1, 400), st.data())
def test_a_box_of_a_part_lies_in_that_part(
    crop: Crop, width: int, height: int, data: st.DataObject
) -> None:
    shown = frame(width, height, crop)
    full = to_scene(found(data.draw(boxes(width, height))), shown).box
    assert is_in_frame(full, shown)
    assert crop.box.x1 <= full.x1 < full.x2 <= crop.box.x2
    assert crop.box.y1 <= full.y1 < full.y2 <= crop.box.y2


@given(crops, boxes(*SCENE))
def test_any_box_in_the_frame_is_within_it(crop: Crop, box: Box) -> None:
    shown = frame(120, 90, crop)
    inside = to_frame(box, shown)
    assert 0 <= inside.x1 < inside.x2 <= 120
    assert 0 <= inside.y1 < inside.y2 <= 90


@given(crops, st.data())
def test_a_crop_of_a_crop_is_a_crop_of_the_whole(crop: Crop, data: st.DataObject) -> None:
    """The same pixels, whichever way they were cut out."""
    box = data.draw(
        boxes(crop.box.width, crop.box.height).map(
            lambda b: Box(
                b.x1 + crop.box.x1, b.y1 + crop.box.y1, b.x2 + crop.box.x1, b.y2 + crop.box.y1
            )
        )
    )
    once = cut(frame(crop.box.width, crop.box.height, crop), found(box), margin=0)
    assert once.crop is not None
    assert once.crop.box == box
    assert (once.width, once.height) == (box.width, box.height)
