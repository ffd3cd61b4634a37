"""The picture that models are tried on."""

from __future__ import annotations

import numpy as np

from zmhook.doctor.picture import frame, image


def test_it_is_a_picture_and_always_the_same():
    assert image().shape == (360, 640, 3)
    assert image().dtype == np.uint8
    assert (image() == frame().image).all()
    assert len(np.unique(image())) > 4
