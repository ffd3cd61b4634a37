"""The built-in picture shows networks something."""

from __future__ import annotations

import pytest

from zmhook.detectors.yolo.signs import picture
from zmhook.frame import Frame


@pytest.mark.parametrize("size", [(1280, 768), (768, 1280), (640, 640)])
@pytest.mark.parametrize("name", ["yolov8n.onnx", "yolox_nano_416.onnx"])
def test_it_has_two_stop_signs(yolo, model, name: str, size: tuple[int, int]):
    frame = Frame(image=picture(size), id="snapshot", origin="made")
    found = [detection.label for detection in yolo(model(name)).detect([frame])[0]]
    assert found[:2] == ["stop sign", "stop sign"]


def test_it_has_the_size_that_is_asked_for():
    assert picture((320, 100)).shape == (100, 320, 3)
