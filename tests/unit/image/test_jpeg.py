"""Pictures as JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from zmhook.image.jpeg import jpeg


def test_a_picture_comes_back():
    image = np.full((30, 40, 3), (10, 100, 200), np.uint8)
    back = cv2.imdecode(np.frombuffer(jpeg(image, 90), np.uint8), cv2.IMREAD_COLOR)
    assert back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() < 10


def test_less_quality_is_fewer_bytes():
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    assert len(jpeg(noise, 20)) < len(jpeg(noise, 95))


def test_more_pixels_than_a_jpeg_can_have():
    assert jpeg(np.zeros((1, 70_000, 3), np.uint8), 90) == b""
