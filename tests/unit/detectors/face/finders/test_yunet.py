from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zmhook.detectors.face.finders.yunet import YunetFinder
from zmhook.errors import DetectorError, ModelFileError
from zmhook.settings import Face


def test_a_missing_file_names_the_setting_and_the_command(tmp_path):
    path = tmp_path / "yunet.onnx"
    with pytest.raises(ModelFileError) as raised:
        YunetFinder(Face(face_yunet_model=str(path)))
    message = str(raised.value)
    assert "face_yunet_model" in message
    assert str(path) in message
    assert "zmhook models get yunet" in message


@pytest.mark.parametrize("data", [b"", b"<html></html>"])
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"face_yunet_model: .*yunet\.onnx") as raised:
        YunetFinder(Face(face_yunet_model=str(path)))
    assert "\n" not in str(raised.value)


def test_a_truncated_file_is_refused(tmp_path, yunet):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(Path(yunet).read_bytes()[:50_000])
    with pytest.raises(ModelFileError, match="not a YuNet file"):
        YunetFinder(Face(face_yunet_model=str(path)))


def test_an_onnx_file_of_another_network_is_refused(model):
    with pytest.raises(ModelFileError, match="not a YuNet file"):
        YunetFinder(Face(face_yunet_model=str(model("yolox_nano_416.onnx"))))


def test_what_opencv_raises_while_finding_becomes_one_line(yunet):
    finder = YunetFinder(Face(face_yunet_model=yunet))
    real = finder._detector

    class OfAnotherSize:
        def setInputSize(self, size):  # noqa: N802 - OpenCV's name
            real.setInputSize((32, 32))

        def detect(self, image):
            return real.detect(image)

    finder._detector = OfAnotherSize()
    with pytest.raises(DetectorError, match=r"with yunet failed: .*[Ss]ize") as raised:
        finder.find(np.zeros((100, 100, 3), np.uint8))
    assert "\n" not in str(raised.value)
