from __future__ import annotations

import logging

import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.detectors.face.finders import factor, scaled


def test_a_small_picture_keeps_its_size():
    assert factor(640, 480, 1600) == 1


def test_the_longest_side_is_reduced():
    assert factor(3200, 1800, 1600) == 0.5
    assert factor(1800, 3200, 1600) == 0.5


def test_upsampling_doubles_what_is_left():
    assert factor(640, 480, 1600, upsample=2) == 4
    assert factor(3200, 1800, 1600, upsample=1) == 1


@pytest.mark.parametrize("size", [(3840, 2160), (1920, 1080), (20000, 100)])
@pytest.mark.parametrize("upsample", [0, 1, 3])
def test_no_picture_gets_more_pixels_than_allowed(size, upsample):
    scale = factor(*size, 8000, upsample, 800_000)
    assert size[0] * scale * size[1] * scale <= 800_000 * 1.0001


def test_boxes_are_mapped_back_to_the_picture():
    small = scaled(np.zeros((1080, 1920, 3), np.uint8), 0.5)
    assert small.image.shape == (540, 960, 3)
    assert small.box(10, 20, 100, 200) == Box(20, 40, 200, 400)


def test_an_uneven_factor_is_mapped_back_by_the_real_sizes():
    small = scaled(np.zeros((101, 333, 3), np.uint8), 0.1)
    assert small.image.shape == (10, 33, 3)
    assert small.box(0, 0, 33, 10) == Box(0, 0, 333, 101)


def test_unchanged_size_hands_the_picture_on_as_it_is():
    picture = np.zeros((10, 20, 3), np.uint8)
    assert scaled(picture, 1.0).image is picture


def test_a_reduction_is_told_at_debug(caplog):
    with caplog.at_level(logging.DEBUG, "zmhook"):
        scaled(np.zeros((200, 400, 3), np.uint8), 0.5)
    assert "200x100 instead of 400x200" in caplog.text
