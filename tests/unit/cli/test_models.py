"""`zmhook models`: what it says and when it fails; the network is in the integration tests."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import msgspec
import pytest

from zmhook.cli import models
from zmhook.cli.models import main
from zmhook.errors import DownloadError, RightsError, SettingsError
from zmhook.models import download

DATA = b"weights"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A base_data_path with a configuration that uses yolo, and a manifest of two models."""
    (tmp_path / "objectconfig.ini").write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = yolo\n"
    )
    models = [
        {
            "name": name, "description": f"what {name} is", "licence": "MIT",
            "licence_url": "https://x/l", "settings": {"yolo.weights": path},
            "files": [{"path": path, "size": len(DATA), "urls": ["http://nowhere.invalid/f"],
                       "sha256": hashlib.sha256(DATA).hexdigest()}],
        }
        for name, path in [("first", "yolox_s/yolox_s.onnx"), ("second", "second/second.onnx")]
    ]  # fmt: skip
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode({"models": models}))
    return tmp_path


def put(folder: Path, path: str, data: bytes = DATA) -> Path:
    place = folder / "models" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def call(folder: Path, command: str, *more: str) -> int:
    options = ["-c", str(folder / "objectconfig.ini"), "--manifest", str(folder / "manifest.json")]
    return main([command, *more, *options])


def test_list_marks_what_is_used_and_shows_what_is_here(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    put(folder, "second/second.onnx")
    assert call(folder, "list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    lines = {row[0]: row for row in rows}
    assert lines["first"][1:3] == ["yes", "missing"]
    assert lines["second"][1] == "ok"
    assert lines["hog"][1:3] == lines["face"][1:3] == ["built", "in"]


def test_list_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert call(folder, "list", "--json") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["name"], first["used"], first["state"]) == ("first", True, "missing")
    assert (second["used"], second["bytes"], second["licence"]) == (False, len(DATA), "MIT")


def test_a_misspelt_model_is_suggested(folder: Path):
    with pytest.raises(DownloadError, match="no model is called frist; did you mean 'first'"):
        call(folder, "get", "frist")


def test_verify_tells_ok_missing_and_changed(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert call(folder, "verify") == 1
    place = put(folder, "yolox_s/yolox_s.onnx")
    assert call(folder, "verify") == 0
    put(folder, "yolox_s/yolox_s.onnx", b"Weights")
    assert call(folder, "verify") == 1
    states = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert states == [[state, str(place)] for state in ("missing", "ok", "changed")]


def test_get_leaves_a_verified_file_alone(folder: Path, capsys: pytest.CaptureFixture[str]):
    place = put(folder, "yolox_s/yolox_s.onnx")
    assert call(folder, "get") == 0
    assert f"{place}: already there, verified" in capsys.readouterr().out


def test_get_does_not_overwrite_somebodys_own_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    place = put(folder, "yolox_s/yolox_s.onnx", b"my own")
    assert call(folder, "get") == 1
    assert f"{place}: exists with other content; --force" in capsys.readouterr().err
    assert place.read_bytes() == b"my own"


def test_get_without_a_network_is_one_line_that_helps(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert call(folder, "get", "first", "second") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    for line, path in zip(lines, ["yolox_s/yolox_s.onnx", "second/second.onnx"], strict=True):
        assert "cannot be fetched: its host name cannot be resolved (http://nowhere.inv" in line
        assert line.endswith(f"copy it to {folder / 'models' / path}; hog needs no file")


@pytest.mark.parametrize(
    ("me", "says"),
    [("ann", "permission denied: ann may not write to it, bob may"), ("bob", r"sudo chmod u\+rwx")],
)
def test_who_may_not_write_is_told_before_anything_is_fetched(
    me: str, says: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "geteuid", lambda: -1)
    monkeypatch.setattr(models, "name_of", lambda uid: me if uid == -1 else "bob")
    monkeypatch.setattr(download, "download", lambda *_: pytest.fail("it was fetched"))
    with pytest.raises(RightsError, match=f"{folder}: .*{says}"):
        call(folder, "get")
    put(folder, "yolox_s/yolox_s.onnx")
    assert call(folder, "get") == 0  # nothing is to be written


def test_get_says_which_setting_is_still_to_be_set(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    put(folder, "yolox_s/yolox_s.onnx")
    put(folder, "second/second.onnx")
    assert call(folder, "get", "first", "second") == 0
    uses = [line for line in capsys.readouterr().out.splitlines() if "to use it" in line]
    assert uses == ["  to use it: [yolo] weights = {{base_data_path}}/models/second/second.onnx"]


def test_a_chain_without_files_has_nothing_to_fetch(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    (folder / "objectconfig.ini").write_text(
        f"[general]\nbase_data_path = {folder}\nmodels = hog\n"
    )
    assert call(folder, "get") == 0
    assert "Nothing to download" in capsys.readouterr().out
    assert call(folder, "verify") == 0


def test_another_folder_needs_no_configuration(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    place = put(folder, "second/second.onnx")
    options = ["--to", str(tmp_path / "models"), "-c", "/nowhere/objectconfig.ini"]
    options += ["--manifest", str(folder / "manifest.json")]
    assert main(["verify", "second", *options]) == 0
    assert capsys.readouterr().out.split() == ["ok", str(place)]
    with pytest.raises(DownloadError, match="name the models"):
        main(["get", *options])


def test_a_missing_configuration_is_named(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"nowhere\.ini"):
        main(["list", "-c", str(tmp_path / "nowhere.ini")])


# -- fit ------------------------------------------------------------------------------------------


@pytest.fixture
def fittable(tmp_path: Path, model) -> Path:
    pytest.importorskip("onnx")
    (tmp_path / "cache").mkdir()
    (tmp_path / "objectconfig.ini").write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = yolo\n"
        f"[yolo]\nweights = {model('yolox_nano_416.onnx')}\n"
    )
    return tmp_path


def fit(folder: Path, *more: str) -> int:
    return main(["fit", "-c", str(folder / "objectconfig.ini"), *more])


def test_fit_makes_the_usual_sizes_and_says_how_to_use_them(fittable: Path, capsys):
    assert fit(fittable) == 0
    out = capsys.readouterr().out
    assert "yolox_nano_416.onnx: for 416x256 a fitted network is made\n" in out
    assert "for 416x320" in out
    assert out.endswith("to use them: [yolo] yolo_fit = yes\n")
    assert len(list((fittable / "cache" / "fitted").glob("*.onnx"))) == 2


def test_fit_for_the_pictures_of_a_camera(fittable: Path, capsys):
    assert fit(fittable, "--picture", "1080x1920", "--picture", "500x500") == 0
    out = capsys.readouterr().out
    assert "for 256x416" in out
    assert "416x320" not in out


@pytest.mark.parametrize("size", ["", "1920", "1920x", "0x10", "axb", "1x2x3", "-1x5", "999999x1"])
def test_fit_with_a_size_that_is_none(fittable: Path, capsys, size: str):
    with pytest.raises(SystemExit):
        fit(fittable, f"--picture={size}")
    assert "is no size such as 1920x1080" in capsys.readouterr().err


def test_fit_without_yolo(tmp_path: Path, capsys):
    (tmp_path / "cache").mkdir()
    (tmp_path / "objectconfig.ini").write_text(
        f"[general]\nbase_data_path = {tmp_path}\nmodels = hog\n"
    )
    assert fit(tmp_path) == 0
    assert "Nothing to fit" in capsys.readouterr().out


def test_fit_a_network_that_is_missing(tmp_path: Path, capsys):
    (tmp_path / "cache").mkdir()
    (tmp_path / "objectconfig.ini").write_text(
        f"[general]\nbase_data_path = {tmp_path}\n[yolo]\nweights = {tmp_path}/none.onnx\n"
    )
    assert fit(tmp_path) == 1
    assert "none.onnx does not exist" in capsys.readouterr().err


def test_fit_where_the_cache_is_a_file(fittable: Path, capsys):
    (fittable / "cache" / "fitted").write_text("")
    assert fit(fittable) == 1
    assert str(fittable / "cache" / "fitted") in capsys.readouterr().err
