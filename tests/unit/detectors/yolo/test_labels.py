from __future__ import annotations

import pytest

from zmhook.detectors.model_file import ModelFile
from zmhook.detectors.yolo import labels
from zmhook.errors import ModelFileError
from zmhook.labels.coco import COCO


def file(path) -> ModelFile:
    return ModelFile("labels", path)


def test_a_file_has_one_label_a_line_whatever_the_line_ends(tmp_path):
    path = tmp_path / "names"
    path.write_bytes("\ufeffperson\r\n fire hydrant \r\nKübel\r\n\r\n".encode())
    assert labels.given(file(path), {}) == ("person", "fire hydrant", "Kübel")


def test_the_users_file_goes_before_what_the_network_says(tmp_path):
    path = tmp_path / "names"
    path.write_text("Hund\n")
    assert labels.given(file(path), {"names": "{0: 'dog'}"}) == ("Hund",)


@pytest.mark.parametrize(
    "names", ["{0: 'cat', 1: 'dog'}", "['cat', 'dog']", "{1: 'dog', 0: 'cat'}"]
)
def test_the_networks_own_labels_are_read(names):
    assert labels.given(None, {"names": names}) == ("cat", "dog")


@pytest.mark.parametrize(
    "names",
    ["__import__('os').abort()", "{0: 'cat', 2: 'dog'}", "7", "{", "(" * 10_000, "{0: abort()}"],
)
def test_unreadable_ones_are_not_used_and_never_run(names, caplog):
    assert labels.given(None, {"names": names}) is None
    assert "cannot be read" in caplog.text


def test_neither_file_nor_metadata():
    assert labels.given(None, {}) is None


def test_coco_is_what_80_classes_mean():
    assert labels.default(80) == COCO
    assert (COCO[0], COCO[10], COCO[79]) == ("person", "fire hydrant", "toothbrush")
    assert len(set(COCO)) == 80
    assert labels.default(79) is None
    assert labels.default(None) is None


def test_the_labels_are_those_that_a_real_network_names(model):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        str(model("yolov8n.onnx")), providers=["CPUExecutionProvider"]
    )
    assert labels.given(None, session.get_modelmeta().custom_metadata_map) == COCO


def test_a_picture_is_no_labels_file(photo):
    with pytest.raises(ModelFileError, match=r"\[yolo\] labels: .*dog\.jpg is not text"):
        labels.given(file(photo("dog.jpg")), {})


def test_a_huge_file_is_no_labels_file(tmp_path):
    path = tmp_path / "names"
    path.write_bytes(b"x" * (labels.MAX_BYTES + 1))
    with pytest.raises(ModelFileError, match="too large for a labels file"):
        labels.given(file(path), {})


def test_a_missing_labels_file_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"\[yolo\] labels: .*none does not exist"):
        labels.given(file(tmp_path / "none"), {})
