from __future__ import annotations

import cv2
import numpy as np
import pytest

from zmhook.describe.shrink import jpeg, shrunk
from zmhook.describe.unanswered import Unanswered


@pytest.mark.parametrize(
    ("size", "longest", "becomes"),
    [
        ((1080, 1920), 1024, (576, 1024)),
        ((1920, 1080), 1024, (1024, 576)),
        ((100, 200), 1024, (100, 200)),
        ((2, 5000), 100, (1, 100)),
    ],
)
def test_the_longest_side_is_bounded(size: tuple, longest: int, becomes: tuple) -> None:
    assert shrunk(np.zeros((*size, 3), np.uint8), longest).shape[:2] == becomes


def test_there_is_nothing_but_pixels_in_it(image: np.ndarray) -> None:
    data = jpeg(image)
    assert b"Exif" not in data
    assert b"http" not in data
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == image.shape
    assert data == jpeg(image.copy())  # or no answer would be found again


def test_a_picture_that_no_jpeg_can_hold() -> None:
    with pytest.raises(Unanswered, match="70000x1 pixels makes no JPEG"):
        jpeg(np.zeros((1, 70_000, 3), np.uint8))
