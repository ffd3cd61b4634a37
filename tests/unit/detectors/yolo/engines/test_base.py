from __future__ import annotations

import os

import pytest

from zmhook.detectors.yolo.engines import base
from zmhook.errors import ModelFileError
from zmhook.settings import Yolo


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (3, 3), (64, 4)])
def test_threads_follow_the_cores_up_to_four(monkeypatch, cores, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert base.threads(Yolo()) == expected
    assert base.threads(Yolo(yolo_threads=9)) == 9


def test_a_size_is_the_setting_or_else_the_files():
    assert base.chosen_size(Yolo(), 416) == 416
    assert base.chosen_size(Yolo(yolo_input_size=320), 416) == 320


@pytest.mark.parametrize(("size", "better"), [(1, 32), (330, 320), (639, 640)])
def test_a_size_between_two_steps_is_refused_with_a_better_one(size, better):
    with pytest.raises(ModelFileError, match=rf"{size} is not a multiple of 32.* use {better}$"):
        base.chosen_size(Yolo(yolo_input_size=size), 416)
