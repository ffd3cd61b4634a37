from __future__ import annotations

import cv2
import numpy as np
import pytest

from zmhook.frame import Frame
from zmhook.notify.picture import picture_of


def decoded(data: bytes | None):
    assert data
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def test_it_is_small_and_shows_the_boxes(work) -> None:
    picture = decoded(picture_of(work(notify_picture_width=320)))
    assert picture.shape == (240, 320, 3)
    plain = np.full(picture.shape, 128, np.int16)
    assert np.abs(picture.astype(np.int16) - plain).max() > 60


def test_it_is_not_made_larger(work) -> None:
    assert decoded(picture_of(work(notify_picture_width=7680))).shape == (480, 640, 3)


@pytest.mark.parametrize("more", [{"notify_picture": False}, {"picture": False}])
def test_none(more: dict, work) -> None:
    assert picture_of(work(**more)) is None


def test_one_that_is_damaged_costs_the_picture_alone(work, caplog, monkeypatch) -> None:
    from zmhook.errors import PictureError
    from zmhook.jobs.work import Work

    def damaged(_: Work) -> Frame:
        raise PictureError("x.jpg: is damaged")

    monkeypatch.setattr(Work, "frame", property(damaged))
    assert picture_of(work()) is None
    assert "goes out without its picture: x.jpg: is damaged" in caplog.text
