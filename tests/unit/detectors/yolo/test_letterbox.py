from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zmhook.detection import Box
from zmhook.detectors.yolo.letterbox import GREY, Preprocessing, blob, placement_of

SIDES = st.integers(1, 5000)
FITS = st.sampled_from(["centre", "corner", "stretch"])
INPUTS = st.sampled_from([(640, 640), (416, 416), (640, 384), (32, 320)])


@given(SIDES, SIDES, INPUTS, FITS, st.data())
@example(1, 1, (640, 640), "centre", None)
@example(4000, 10, (640, 640), "centre", None)
def test_a_box_comes_back_to_where_it_was(width, height, into, fit, data):
    at = placement_of((width, height), into, fit)
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
    at = placement_of((width, height), into, fit)
    assert at.left >= 0
    assert at.top >= 0
    assert 1 <= at.across <= into[0] - at.left
    assert 1 <= at.down <= into[1] - at.top
    # What a share of a pixel is left off of may end one before the edge.
    least = 1 if fit == "corner" else 0
    assert at.across >= into[0] - least or at.down >= into[1] - least


@given(SIDES, SIDES, INPUTS)
@example(1280, 721, (640, 640))
@example(1080, 1921, (416, 416))
def test_yolox_leaves_off_what_its_makers_leave_off(width, height, into):
    ratio = min(into[1] / height, into[0] / width)
    at = placement_of((width, height), into, "corner")
    assert (at.across, at.down) == (max(1, int(width * ratio)), max(1, int(height * ratio)))


@given(SIDES, SIDES, INPUTS)
@example(1280, 721, (640, 640))
@example(500, 375, (640, 384))
def test_ultralytics_letterbox_to_the_pixel(width, height, into):
    ratio = min(into[1] / height, into[0] / width)
    across, down = max(1, round(width * ratio)), max(1, round(height * ratio))
    left, top = (into[0] - across) / 2, (into[1] - down) / 2
    at = placement_of((width, height), into, "centre")
    assert (at.across, at.down) == (across, down)
    assert (at.left, at.top) == (round(left - 0.1), round(top - 0.1))


def test_a_picture_for_yolox_is_its_makers_to_the_bit():
    image = np.random.default_rng(3).integers(0, 256, (721, 1283, 3), np.uint8)
    ratio = min(416 / 721, 416 / 1283)
    wide, high = int(1283 * ratio), int(721 * ratio)
    padded = np.full((416, 416, 3), 114, np.uint8)
    padded[:high, :wide] = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
    made, _ = blob(image, (416, 416), Preprocessing("corner", rgb=False, scale=1.0))
    assert (made[0] == padded.transpose(2, 0, 1)).all()


def test_a_picture_is_normalised_as_imagenets_are():
    image = np.full((40, 60, 3), (10, 100, 200), np.uint8)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    made, at = blob(
        image, (64, 32), Preprocessing("stretch", rgb=True, scale=1 / 255, mean=mean, std=std)
    )
    assert at[2:] == (64, 32, 0, 0)
    expected = [(c / 255 - m) / s for c, m, s in zip((200, 100, 10), mean, std, strict=True)]
    assert made[0].reshape(3, -1).min(axis=1).tolist() == pytest.approx(expected, abs=1e-5)
    assert made[0].reshape(3, -1).max(axis=1).tolist() == pytest.approx(expected, abs=1e-5)


def test_a_network_that_takes_bytes_gets_the_pixels_as_they_are():
    image = np.full((32, 64, 3), (10, 100, 200), np.uint8)
    made, at = blob(image, (64, 64), Preprocessing("centre", rgb=True, scale=1 / 255), "uint8")
    assert made.dtype == np.uint8
    assert made[0, :, at.top, 0].tolist() == [200, 100, 10]
    assert made[0, :, 0, 0].tolist() == [GREY] * 3


def test_where_it_is_reduced_smoothly_no_pixel_is_left_out():
    image = np.zeros((320, 320, 3), np.uint8)
    image[::10, ::10] = 255  # every hundredth pixel
    sharp, _ = blob(image, (32, 32), Preprocessing("stretch", rgb=True, scale=1 / 255))
    smooth, _ = blob(
        image, (32, 32), Preprocessing("stretch", rgb=True, scale=1 / 255, smooth=True)
    )
    assert sharp.max() == 0
    assert smooth.min() == pytest.approx(3 / 255)


def test_a_box_beyond_the_picture_is_clipped_to_it():
    at = placement_of((1280, 720), (640, 640), "centre")
    assert at.to_picture(-50, 0, 700, 640) == Box(0, 0, 1280, 720)


@pytest.mark.parametrize(("fit", "top"), [("centre", 140), ("corner", 0)])
def test_padding_is_grey_and_lies_where_it_should(fit, top):
    made, at = blob(
        np.full((720, 1280, 3), 200, np.uint8), (640, 640), Preprocessing(fit, rgb=False, scale=1.0)
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
    as_bgr, _ = blob(blue, (32, 32), Preprocessing("corner", rgb=False, scale=1.0))
    as_rgb, _ = blob(blue, (32, 32), Preprocessing("centre", rgb=True, scale=1 / 255))
    assert as_bgr[0, :, 0, 0].tolist() == [255, 0, 0]
    assert as_rgb[0, :, 0, 0].tolist() == pytest.approx([0, 0, 1])


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 10), (641, 639)])
@pytest.mark.parametrize("fit", ["centre", "corner", "stretch"])
def test_any_size_can_be_fitted(size, fit):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    made, _ = blob(image, (416, 320), Preprocessing(fit, rgb=True, scale=1 / 255))
    assert made.shape == (1, 3, 320, 416)


@pytest.mark.parametrize(
    ("size", "into", "fit", "is_same"),
    [
        ((3840, 2160), (640, 640), "centre", True),
        ((3840, 2160), (640, 640), "corner", True),
        ((3840, 2160), (640, 384), "centre", True),
        ((2160, 3840), (640, 640), "centre", True),
        ((1280, 720), (640, 640), "centre", True),
        ((1920, 1080), (320, 320), "corner", True),
        ((1920, 1080), (640, 640), "centre", False),
        ((2560, 1440), (640, 640), "centre", False),
        ((3840, 2160), (416, 416), "corner", False),
        ((3840, 2160), (640, 640), "stretch", False),
        ((3838, 2160), (640, 640), "centre", False),
        ((640, 360), (640, 640), "centre", False),
        ((320, 180), (640, 640), "centre", False),
    ],
)
def test_where_half_the_picture_is_enough(size, into, fit, is_same):
    assert placement_of(size, into, fit).is_same_of_half is is_same


def test_half_the_picture_gives_the_same_input():
    full = np.random.default_rng(1).integers(0, 256, (432, 768, 3), np.uint8)
    # As a JPEG decoder reduces: the mean of two by two pixels.
    half = cv2.resize(full, (384, 216), interpolation=cv2.INTER_AREA)
    how = Preprocessing("centre", rgb=True, scale=1.0)
    of_full, at = blob(full, (128, 128), how)
    of_half, there = blob(half, (128, 128), how)
    assert np.abs(of_full - of_half).max() <= 1
    assert there.of_size((768, 432)) == at
