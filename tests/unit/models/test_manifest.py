"""The manifest in the package is whole, and a broken one is refused in one line."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

import msgspec
import pytest

from zmhook.errors import DownloadError
from zmhook.models.manifest import (
    UNSIZED_LIMIT,
    ManifestFile,
    Model,
    ModelStore,
    load_manifest,
    sha256,
    used,
)
from zmhook.settings import Settings, load

SHA = "0" * 64


def test_the_packages_manifest_names_every_file_once():
    paths = [file.path for model in load_manifest().models for file in model.files]
    assert len(paths) == len(set(paths)) > 0


def test_each_model_says_under_which_licence_it_comes():
    for model in load_manifest().models:
        assert model.licence
        assert model.licence_url.startswith("https://")


def test_each_setting_that_a_model_names_exists_and_names_one_of_its_files():
    settings = Settings()
    for model in load_manifest().models:
        for setting, path in model.settings.items():
            section, key = setting.split(".")
            assert hasattr(getattr(settings, section), key), setting
            assert path in [file.path for file in model.files]


def test_the_defaults_of_the_settings_can_be_fetched():
    root = "{{base_data_path}}/models/"
    places = {root + file.path for model in load_manifest().models for file in model.files}
    assert Settings().yolo.weights in places
    assert Settings().yolo.tiny_weights in places
    assert Settings().face.face_yunet_model in places
    assert Settings().alpr.plate_ocr in places
    assert Settings().alpr.plate_detector in places


def test_a_file_without_a_size_is_a_small_one():
    for model in load_manifest().models:
        for file in model.files:
            assert file.size or PurePosixPath(file.path).suffix == ".cfg"
    assert ManifestFile("a", SHA, ("http://x/a",)).limit == UNSIZED_LIMIT


@pytest.mark.parametrize(
    ("name", "shared"),
    [("yunet", "face_detection_yunet_2023mar.onnx"), ("plate_ocr", "cct_xs_v1_global.onnx")],
)
def test_the_shared_files_are_the_manifests(model, name, shared):
    from zmhook.models.manifest import sha256

    (file,) = load_manifest().pick([name])[0].files
    assert sha256(model(shared)) == file.sha256
    assert model(shared).stat().st_size == file.size


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(DownloadError, match=r"no model is called qqq; known: yolox_s, "):
        load_manifest().pick(["yolox_s", "qqq"])


def test_a_name_is_fetched_once_and_a_built_in_one_not_at_all():
    assert [m.name for m in load_manifest().pick(["yunet", "hog", "yunet"])] == ["yunet"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"path": "../elsewhere"}, "must lie inside the models folder"),
        ({"path": "/etc/passwd"}, "must lie inside the models folder"),
        ({"urls": []}, "urls"),
        ({"urls": ["file:///etc/passwd"]}, "urls"),
        ({"size": 0}, "size"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_file_entry_is_refused(change: dict[str, object], message: str, tmp_path: Path):
    entry = {"path": "a/b", "sha256": SHA, "urls": ["http://x/a"], **change}
    model = {
        "name": "m", "description": "", "licence": "", "licence_url": "", "settings": {},
        "files": [entry],
    }  # fmt: skip
    path = tmp_path / "manifest.json"
    path.write_bytes(msgspec.json.encode({"models": [model]}))
    with pytest.raises(DownloadError, match=message) as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)


def test_a_missing_manifest_is_named(tmp_path: Path):
    with pytest.raises(DownloadError, match=r"nowhere\.json cannot be used: No such file"):
        load_manifest(tmp_path / "nowhere.json")


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
