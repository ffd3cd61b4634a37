from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zmhook.detection import Box
from zmhook.detectors.yolo.letterbox import GREY, Look, blob, place

SIDES = st.integers(1, 5000)
FITS = st.sampled_from(["centre", "corner", "stretch"])
INPUTS = st.sampled_from([(640, 640), (416, 416), (640, 384), (32, 320)])


@given(SIDES, SIDES, INPUTS, FITS, st.data())
@example(1, 1, (640, 640), "centre", None)
@example(4000, 10, (640, 640), "centre", None)
def test_a_box_comes_back_to_where_it_was(width, height, into, fit, data):
    at = place((width, height), into, fit)
    box = drawn(data, width, height)
    x, y = at.across / width, at.down / height
    there = (
        at.left + box.x1 * x,
        at.top + box.y1 * y,
        at.left + box.x2 * x,
        at.top + box.y2 * y,
    )
    assert at.to_picture(*there) == box


def drawn(data: st.DataObject | None, width: int, height: int) -> Box:
    if data is None:
        return Box(0, 0, width, height)
    x1 = data.draw(st.integers(0, width - 1))
    y1 = data.draw(st.integers(0, height - 1))
    return Box(
        x1, y1, data.draw(st.integers(x1 + 1, width)), data.draw(st.integers(y1 + 1, height))
    )


@given(SIDES, SIDES, INPUTS, FITS)
def test_the_picture_lies_inside_the_input_and_touches_two_sides(width, height, into, fit):
    at = place((width, height), into, fit)
    assert at.left >= 0
    assert at.top >= 0
    assert 1 <= at.across <= into[0] - at.left
    assert 1 <= at.down <= into[1] - at.top
    assert at.across == into[0] or at.down == into[1]


def test_a_box_beyond_the_picture_is_clipped_to_it():
    at = place((1280, 720), (640, 640), "centre")
    assert at.to_picture(-50, 0, 700, 640) == Box(0, 0, 1280, 720)


@pytest.mark.parametrize(("fit", "top"), [("centre", 140), ("corner", 0)])
def test_padding_is_grey_and_lies_where_it_should(fit, top):
    made, at = blob(
        np.full((720, 1280, 3), 200, np.uint8), (640, 640), Look(fit, rgb=False, scale=1.0)
    )
    assert (at.left, at.top, at.across, at.down) == (0, top, 640, 360)
    rows = np.full(640, GREY)
    rows[top : top + 360] = 200
    assert made.shape == (1, 3, 640, 640)
    assert made.dtype == np.float32
    assert (made[0] == rows[:, None]).all()


def test_colours_come_in_the_order_and_range_that_are_asked_for():
    blue = np.zeros((32, 32, 3), np.uint8)
    blue[..., 0] = 255
    as_bgr, _ = blob(blue, (32, 32), Look("corner", rgb=False, scale=1.0))
    as_rgb, _ = blob(blue, (32, 32), Look("centre", rgb=True, scale=1 / 255))
    assert as_bgr[0, :, 0, 0].tolist() == [255, 0, 0]
    assert as_rgb[0, :, 0, 0].tolist() == pytest.approx([0, 0, 1])


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 10), (641, 639)])
@pytest.mark.parametrize("fit", ["centre", "corner", "stretch"])
def test_any_size_can_be_fitted(size, fit):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    made, _ = blob(image, (416, 320), Look(fit, rgb=True, scale=1 / 255))
    assert made.shape == (1, 3, 320, 416)
