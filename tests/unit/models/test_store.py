"""What is in the models folder, and which models a configuration uses."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from zmhook.errors import DownloadError
from zmhook.models.manifest import ManifestFile, Model, load_manifest
from zmhook.models.store import ModelStore, sha256, used
from zmhook.settings import load

DATA = b"weights" * 1000
FILE = ManifestFile("m/m.onnx", hashlib.sha256(DATA).hexdigest(), ("http://x/m",), len(DATA))


def put(folder: Path, data: bytes) -> None:
    place = folder / FILE.path
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)


def test_sha256_reads_the_whole_file(tmp_path: Path):
    path = tmp_path / "big"
    path.write_bytes(DATA * 300)
    assert sha256(path) == hashlib.sha256(DATA * 300).hexdigest()


def test_state_tells_the_right_file_from_another_and_from_none(tmp_path: Path):
    store = ModelStore(tmp_path)
    assert store.state(FILE) == "missing"
    put(tmp_path, DATA)
    assert store.state(FILE) == "ok"
    put(tmp_path, DATA[:-1] + b"!")
    assert store.state(FILE) == "changed"
    put(tmp_path, DATA[:-1])
    assert store.state(FILE) == "changed"


def test_a_model_is_as_good_as_its_worst_file(tmp_path: Path):
    config = ManifestFile("m/m.cfg", hashlib.sha256(b"").hexdigest(), ("http://x/c",))
    model = Model("m", "", "", "", {}, (FILE, config))
    put(tmp_path, DATA)
    assert ModelStore(tmp_path).state_of(model) == "missing"
    (tmp_path / "m/m.cfg").touch()
    assert ModelStore(tmp_path).state_of(model) == "ok"
    (tmp_path / "m/m.cfg").write_text("x")
    assert ModelStore(tmp_path).state_of(model) == "changed"


def test_what_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / FILE.path).mkdir(parents=True)
    unsized = ManifestFile(FILE.path, FILE.sha256, FILE.urls)
    with pytest.raises(DownloadError, match=r"m\.onnx cannot be read: Is a directory"):
        ModelStore(tmp_path).state(unsized)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("models = hog", []),
        ("models = yolo", ["yolox_s"]),
        ("models = yolo\n[yolo]\nyolo_type = tiny", ["yolox_nano"]),
        ("models = yolo\n[yolo]\nweights = /elsewhere/own.onnx", []),
        ("models = face\n[face]\nface_train_model = yunet", ["yunet"]),
        ("models = alpr", ["plate_ocr", "plate_detector"]),
        ("models = alpr\n[alpr]\nalpr_service = open_alpr", []),
        ("models = hog\n[monitor-3]\nmodels = yolo", ["yolox_s"]),
        (
            "models = yolo\n[yolo]\nweights = {{base_data_path}}/models/yolov4/yolov4.weights",
            ["yolov4"],
        ),
    ],
)
def test_the_configurations_chains_say_what_is_used(text: str, names: list[str], tmp_path: Path):
    path = tmp_path / "objectconfig.ini"
    path.write_text(f"[general]\nbase_data_path = {tmp_path}\n{text}\n")
    assert [model.name for model in used(load_manifest(), load(path))] == names
