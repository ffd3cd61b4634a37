"""Which input fits which picture."""

from __future__ import annotations

import pytest

from zmhook.detectors.yolo.engines.base import Network
from zmhook.detectors.yolo.fit import fitted_size, shown, size_in, sizes, step_of
from zmhook.detectors.yolo.letterbox import placement_of


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ((1920, 1080), (640, 384)),
        ((3840, 2160), (640, 384)),
        ((1280, 800), (640, 512)),
        ((1600, 1200), (640, 512)),
        ((704, 576), (640, 640)),
        ((1080, 1920), (384, 640)),
        ((480, 640), (512, 640)),
        ((3440, 1440), (640, 288)),
        ((5120, 1000), (640, 288)),
        ((100, 4000), (384, 640)),
        ((500, 500), (640, 640)),
        ((1, 1), (640, 640)),
    ],
)
def test_a_square_network(picture: tuple[int, int], expected: tuple[int, int]):
    assert fitted_size(picture, (640, 640)) == expected


def test_a_network_that_is_wide_already():
    assert fitted_size((1920, 1080), (640, 384)) == (640, 384)
    assert fitted_size((1600, 1200), (640, 384)) == (544, 384)


def test_there_is_padding_where_the_picture_would_fill_the_input():
    assert fitted_size((1280, 1024), (640, 640)) == (640, 640)
    assert fitted_size((640, 384), (640, 640)) == (640, 512)


def test_a_larger_stride():
    assert fitted_size((1920, 1080), (1280, 1280), 64) == (1280, 768)


def test_an_input_that_is_no_multiple_of_the_stride_stays():
    assert sizes((600, 600)) == [(600, 600)]
    assert fitted_size((1920, 1080), (600, 600)) == (600, 600)


@pytest.mark.parametrize("own", [(640, 640), (416, 416), (320, 320), (640, 384), (384, 640)])
def test_the_picture_keeps_its_scale_and_there_are_few_sizes(own: tuple[int, int]):
    found = set()
    for width in range(16, 4000, 97):
        for height in range(16, 3000, 89):
            size = fitted_size((width, height), own)
            found.add(size)
            for fit in ("centre", "corner"):
                before = placement_of((width, height), own, fit)
                after = placement_of((width, height), size, fit)
                assert (before.across, before.down) == (after.across, after.down)
    assert found <= set(sizes(own))
    assert len(sizes(own)) <= 6


@pytest.mark.parametrize(
    ("stride", "expected"), [("64", 64), ("32", 32), ("", 32), ("8", 32), ("x", 32), ("9" * 99, 32)]
)
def test_the_stride_is_what_the_file_says(stride: str, expected: int):
    network = Network("onnx", 640, 640, (), {"stride": stride})
    assert step_of(network) == expected


def test_sizes_are_read_as_they_are_written():
    assert size_in(shown((640, 384))) == (640, 384)
