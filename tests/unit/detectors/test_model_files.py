from __future__ import annotations

import os
from pathlib import Path

import pytest

from zmhook.detectors.model_files import (
    MAX_LABELS_BYTES,
    ModelFile,
    default_labels,
    labels_of,
    yolo_files,
)
from zmhook.errors import ModelFileError
from zmhook.labels import COCO
from zmhook.settings import Yolo


def test_full_and_tiny_take_their_own_settings():
    settings = Yolo(
        weights="a.weights",
        config="a.cfg",
        labels="a.names",
        tiny_weights="b.onnx",
        tiny_config="",
        tiny_labels="",
    )
    full = yolo_files(settings)
    assert full.weights == ModelFile("weights", Path("a.weights"))
    assert full.config == ModelFile("config", Path("a.cfg"))
    assert full.labels == ModelFile("labels", Path("a.names"))


def test_tiny_takes_the_tiny_ones():
    settings = Yolo(
        yolo_type="tiny", weights="a", config="a.cfg", labels="a", tiny_weights="b.onnx"
    )
    tiny = yolo_files(settings)
    assert tiny.weights == ModelFile("tiny_weights", Path("b.onnx"))
    assert (tiny.config, tiny.labels, tiny.labels_key) == (None, None, "[yolo] tiny_labels")


def test_weights_have_to_be_named():
    with pytest.raises(ModelFileError, match=r"\[yolo\] tiny_weights is empty"):
        yolo_files(Yolo(yolo_type="tiny", tiny_weights=""))


def test_a_file_with_something_in_it_is_fine(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"x")
    ModelFile("weights", path).check()


def test_problems_name_setting_and_file_and_what_to_do(tmp_path):
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name, says in {
        "none.onnx": "does not exist; copy it there, or correct the setting",
        "yolox_s/yolox_s.onnx": "does not exist; fetch it with 'sudo zmhook models get yolox_s'",
        "": "is a directory",
        "empty.onnx": "is empty",
        "loop": "cannot be read",
        "empty.onnx/below": "cannot be read (Not a directory)",
    }.items():
        with pytest.raises(ModelFileError) as caught:
            ModelFile("weights", tmp_path / name).check()
        assert str(caught.value).startswith(f"[yolo] weights: {tmp_path / name} {says}")
        assert "\n" not in str(caught.value)


def test_only_what_can_be_fetched_is_to_be_fetched_again(tmp_path):
    for name, again in {
        "own.onnx": "copy it again",
        "yolox_s.onnx": "copy it again",
        "yolox_s/yolox_s.onnx": "fetch it again with 'sudo zmhook models get yolox_s --force'",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
        with pytest.raises(ModelFileError, match=rf"is empty; {again}$"):
            ModelFile("weights", path).check()


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can become another account")
def test_a_file_that_may_not_be_read_as_root(tmp_path):
    path = forbidden(tmp_path)
    os.seteuid(65534)
    try:
        refused(path)
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() == 0, reason="optional: root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    refused(forbidden(tmp_path))


def forbidden(folder: Path) -> Path:
    path = folder / "secret.onnx"
    path.write_bytes(b"x")
    path.chmod(0)
    return path


def refused(path: Path) -> None:
    with pytest.raises(ModelFileError, match="may not be read by this user"):
        ModelFile("weights", path).check()


def file(path) -> ModelFile:
    return ModelFile("labels", path)


def test_a_file_has_one_label_a_line_whatever_the_line_ends(tmp_path):
    path = tmp_path / "names"
    path.write_bytes("\ufeffperson\r\n fire hydrant \r\nKübel\r\n\r\n".encode())
    assert labels_of(file(path), {}) == ("person", "fire hydrant", "Kübel")


def test_the_users_file_goes_before_what_the_network_says(tmp_path):
    path = tmp_path / "names"
    path.write_text("Hund\n")
    assert labels_of(file(path), {"names": "{0: 'dog'}"}) == ("Hund",)


@pytest.mark.parametrize(
    "names", ["{0: 'cat', 1: 'dog'}", "['cat', 'dog']", "{1: 'dog', 0: 'cat'}"]
)
def test_the_networks_own_labels_are_read(names):
    assert labels_of(None, {"names": names}) == ("cat", "dog")


@pytest.mark.parametrize(
    "names",
    ["__import__('os').abort()", "{0: 'cat', 2: 'dog'}", "7", "{", "(" * 10_000, "{0: abort()}"],
)
def test_unreadable_ones_are_not_used_and_never_run(names, caplog):
    assert labels_of(None, {"names": names}) is None
    assert "cannot be read" in caplog.text


def test_neither_file_nor_metadata():
    assert labels_of(None, {}) is None


def test_coco_is_what_80_classes_mean():
    assert default_labels(80) == COCO
    assert (COCO[0], COCO[10], COCO[79]) == ("person", "fire hydrant", "toothbrush")
    assert len(set(COCO)) == 80
    assert default_labels(79) is None
    assert default_labels(None) is None


def test_the_labels_are_those_that_a_real_network_names(model):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        str(model("yolov8n.onnx")), providers=["CPUExecutionProvider"]
    )
    assert labels_of(None, session.get_modelmeta().custom_metadata_map) == COCO


def test_a_picture_is_no_labels_file(photo):
    with pytest.raises(ModelFileError, match=r"\[yolo\] labels: .*dog\.jpg is not text"):
        labels_of(file(photo("dog.jpg")), {})


def test_a_huge_file_is_no_labels_file(tmp_path):
    path = tmp_path / "names"
    path.write_bytes(b"x" * (MAX_LABELS_BYTES + 1))
    with pytest.raises(ModelFileError, match="too large for a labels file"):
        labels_of(file(path), {})


def test_a_missing_labels_file_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"\[yolo\] labels: .*none does not exist"):
        labels_of(file(tmp_path / "none"), {})
