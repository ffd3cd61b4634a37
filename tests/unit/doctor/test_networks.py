"""Models as files and as what runs: missing, damaged, and not on what was asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.doctor import networks as module
from zmhook.doctor.networks import Tried, checks, costs


@pytest.fixture
def found(patient) -> Callable[..., dict]:
    def examine(text: str, *names: str, paid: bool = False) -> dict:
        every = checks(patient(text), paid=paid)
        chosen = [check for check in every if not names or check.name in names]
        return {each.name: each for check in chosen for each in check.run()}

    return examine


def answer(monkeypatch, code: int = 0, out: str = "", err: str = "") -> list[list[str]]:
    """Answer in place of the process that loads a model; return its commands."""
    commands = []

    def run(command, **_) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, code, out, err)

    monkeypatch.setattr(module.subprocess, "run", run)
    return commands


def test_a_model_runs(found):
    """HOG needs no file; it is really run, in a process of its own."""
    finding = found("models = hog\n", "hog")["hog"]
    assert finding.state == "ok"
    assert " ms a picture" in finding.text


def test_a_missing_model(found, tmp_path: Path):
    findings = found("models = yolo\n")
    path = f"{tmp_path}/data/models/yolox_s/yolox_s.onnx"
    assert findings["files"].state == "fault"
    assert findings["files"].text == f"not there: {path}"
    assert findings["files"].cure == f"sudo zmhook models get yolox_s -c {tmp_path}/o.ini"
    assert "yolo" not in findings  # it is named once


def test_a_model_of_several_files_is_named_once(found, tmp_path: Path):
    folder = f"{tmp_path}/data/models/yolov4"
    findings = found(
        f"models = yolo\n[yolo]\nweights = {folder}/yolov4.weights\nconfig = {folder}/yolov4.cfg\n"
    )
    assert [*findings] == ["files"]
    names = "yolov4/yolov4.weights, yolov4/yolov4.cfg"
    assert findings["files"].text == f"not there: {names} in {tmp_path}/data/models"


def test_several_models_are_one_line_to_type(found, tmp_path: Path):
    findings = found("models = yolo,alpr\n")
    line = "sudo zmhook models get yolox_s plate_ocr plate_detector -c "
    assert findings["files"].cure.startswith(line)


def test_a_file_of_ones_own_that_is_missing(found, tmp_path: Path):
    (finding,) = found(f"models = yolo\n[yolo]\nweights = {tmp_path}/a.onnx\n").values()
    assert finding.name == "yolo"
    assert "a.onnx does not exist; copy it there, or correct the setting" in finding.text


def test_no_model_is_run_with_broken_settings(patient):
    made = patient("models = hog\n")._replace(is_broken=True)
    (finding,) = [each for check in checks(made) for each in check.run()]
    assert (finding.state, finding.text) == ("unchecked", "not run before the settings are right")


def test_a_damaged_model(found, tmp_path: Path):
    path = tmp_path / "data/models/yolox_nano/yolox_nano.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<html>not found</html>")
    text = "models = yolo\n[yolo]\nyolo_type = tiny\n"
    findings = found(text)
    assert findings["files"].state == "fault"
    assert findings["files"].text == f"damaged (the checksum is another one): {path}"
    assert "sudo zmhook models get yolox_nano --force" in findings["files"].cure
    assert "yolo" not in findings  # it is named once


def test_a_whole_model(found, model, tmp_path: Path):
    path = tmp_path / "data/models/yolox_nano/yolox_nano.onnx"
    path.parent.mkdir(parents=True)
    shutil.copy(model("yolox_nano_416.onnx"), path)
    findings = found("models = yolo\n[yolo]\nyolo_type = tiny\n")
    assert findings["yolo"].state == "ok"
    assert "YOLOX" in findings["yolo"].text
    assert "ONNX Runtime" in findings["yolo"].text


def test_a_gpu_that_is_asked_for_and_not_there(found, model):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("optional: this machine's ONNX Runtime has CUDA")
    weights = model("yolox_nano_416.onnx")
    text = f"models = yolo\n[yolo]\nweights = {weights}\nyolo_processor = gpu\n"
    finding = found(text, "yolo")["yolo"]
    assert finding.state == "fault"
    assert "(CPU, " in finding.text
    assert "no usable CUDA GPU; running on the CPU instead" in finding.text
    assert "--with yolo-gpu" in finding.cure


def test_other_warnings_of_a_model(found, monkeypatch):
    tried = {"description": "yolo: a.onnx", "ms": 9.6, "notes": ["[yolo] yolo_precision: f32"]}
    answer(monkeypatch, out=json.dumps(tried))
    finding = found("models = yolo\n", "yolo")["yolo"]
    assert finding.state == "warning"
    assert finding.text == "a.onnx: 10 ms a picture; [yolo] yolo_precision: f32"


def test_openvino_has_no_gpu(found, monkeypatch):
    note = "[yolo] yolo_processor: OpenVINO runs on the CPU; for CUDA use onnxruntime"
    answer(monkeypatch, out=json.dumps({"description": "yolo", "ms": 1, "notes": [note]}))
    finding = found("models = yolo\n[yolo]\nyolo_processor = gpu\n", "yolo")["yolo"]
    assert finding.state == "fault"
    assert "yolo_engine = onnxruntime" in finding.cure


@pytest.mark.parametrize(
    ("code", "err", "words"),
    [
        (-11, "", "ends by signal 11"),
        (1, "a\nyolo needs the Python package x: ./install.sh --with yolo", "install.sh"),
        (3, "", "exit code 3"),
        (0, "", "cannot be read"),
    ],
)
def test_a_process_that_fails(code: int, err: str, words: str, found, monkeypatch):
    answer(monkeypatch, code, err=err)
    finding = found("models = hog\n", "hog")["hog"]
    assert finding.state == "fault"
    assert words in finding.text


def test_one_that_hangs(found, monkeypatch):
    def run(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("x", 45)

    monkeypatch.setattr(module.subprocess, "run", run)
    assert "gave no answer within" in found("models = hog\n", "hog")["hog"].text


def test_what_costs_is_loaded_only(found, monkeypatch, patient):
    text = "models = gemini\n"
    commands = answer(monkeypatch, out=json.dumps({"description": "loaded"}))
    finding = found(text, "gemini")["gemini"]
    assert (finding.state, finding.cure) == ("unchecked", "zmhook doctor --paid")
    assert "--run" not in commands[0]
    found(text, "gemini", paid=True)
    assert "--run" in commands[1]
    assert costs(patient("models = alpr\n[alpr]\nalpr_service = open_alpr\n").settings, "alpr")
    assert not costs(patient("models = alpr\n").settings, "alpr")


def test_each_network_is_run_once(patient):
    text = "models = yolo\n[monitor-2]\nwait = 1\n[monitor-3]\nweights = /b.onnx\n"
    names = [check.name for check in checks(patient(text))]
    assert names == ["files", "yolo", "yolo (monitor 3)"]


def test_the_default_says_little():
    assert Tried("a") == Tried(description="a", ms=None, labels=[], notes=[])
