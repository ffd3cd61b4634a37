from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from zmhook.detectors.model_files import yolo_files
from zmhook.detectors.yolo.engines.onnx import OnnxEngine
from zmhook.errors import DetectorError, MissingPart, ModelFileError
from zmhook.settings import Yolo

NANO = "yolox_nano_416.onnx"


def engine(weights, **settings) -> OnnxEngine:
    given = Yolo(weights=str(weights), **settings)
    return OnnxEngine(yolo_files(given), given)


def refusal(path, capfd) -> str:
    """The one line with which a file is refused; nothing else may be printed by anybody."""
    with pytest.raises(ModelFileError) as caught:
        engine(path).load()
    assert "".join(capfd.readouterr()) == ""
    said = str(caught.value)
    assert said.startswith(f"[yolo] weights: {path} ")
    assert "\n" not in said
    return said


def test_it_says_what_it_has_loaded(model):
    made = engine(model(NANO), yolo_threads=1)
    network = made.load()
    assert (network.family, network.size, network.outputs) == ("onnx", (416, 416), ((1, 3549, 85),))
    assert made.description.startswith("ONNX Runtime 1.")
    assert made.description.endswith("(CPU, 1 threads)")
    (output,) = made.infer(np.zeros((1, 3, 416, 416), np.float32))
    assert output.shape == (1, 3549, 85)
    assert output.dtype == np.float32


@pytest.mark.parametrize("part", [0.0001, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_file(model, tmp_path, capfd, part):
    whole = model(NANO).read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(len(whole) * part)])
    assert "is damaged or no ONNX network" in refusal(path, capfd)


@pytest.mark.parametrize(
    "name",
    ["photos/dog.jpg", "models/yolo-fastest-1.1-xl.cfg", "models/yolo-fastest-1.1-xl.weights"],
)
def test_a_file_of_another_kind(assets, tmp_path, capfd, name):
    path = tmp_path / "other.onnx"
    shutil.copy(assets / name, path)
    assert refusal(path, capfd).endswith("copy it again")
    known = tmp_path / "yolox_s" / "yolox_s.onnx"
    known.parent.mkdir()
    shutil.copy(path, known)
    assert refusal(known, capfd).endswith("again with 'sudo zmhook models get yolox_s --force'")


def test_a_web_page(tmp_path, capfd):
    path = tmp_path / "page.onnx"
    path.write_text("<html><title>404 Not Found</title></html>\n")
    assert "is damaged or no ONNX network" in refusal(path, capfd)


def test_a_missing_file_and_a_directory(tmp_path, capfd):
    assert "does not exist" in refusal(tmp_path / "none.onnx", capfd)
    assert "is a directory" in refusal(tmp_path, capfd)


def test_a_network_that_takes_something_else_than_one_picture(model, capfd):
    said = refusal(model("cct_xs_v1_global.onnx"), capfd)
    assert "takes tensor(uint8)" in said
    assert "[1, 3, height, width]" in said


@pytest.mark.parametrize("shape", [[2, 3, 64, 64], [1, 1, 64, 64], [1, 64, 64, 3], [3, 64, 64]])
def test_other_input_shapes(network, capfd, shape):
    path = network(np.zeros((1, 300, 6)), shape=shape)
    assert f"takes tensor(float) {shape}" in refusal(path, capfd)


def test_an_open_batch_is_fine(network):
    path = network(np.zeros((1, 300, 6)), shape=["batch", 3, 64, 96])
    assert engine(path).load().size == (96, 64)


def test_open_outputs_are_found_out_by_running(open_network):
    assert engine(open_network, yolo_input_size=64).load().outputs == ((1, 6, 20),)


def test_an_input_of_the_wrong_size_is_one_error(model):
    made = engine(model(NANO))
    made.load()
    with pytest.raises(DetectorError, match=r"yolox_nano_416\.onnx failed: ") as caught:
        made.infer(np.zeros((1, 3, 64, 64), np.float32))
    assert "\n" not in str(caught.value)


def test_after_closing_it_says_so(model):
    made = engine(model(NANO))
    made.load()
    made.close()
    made.close()
    with pytest.raises(DetectorError, match="after it was closed"):
        made.infer(np.zeros((1, 3, 416, 416), np.float32))


def test_without_onnxruntime_the_extra_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPart, match=r"pip install '\.\[yolo\]'") as caught:
        engine(model(NANO)).load()
    assert caught.value.extra == "yolo"


def test_a_broken_onnxruntime_is_told_from_a_missing_one(model, tmp_path, monkeypatch):
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('libcudart.so.12: not found')\n")
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DetectorError, match=r"cannot be imported: libcudart\.so\.12") as caught:
        engine(model(NANO)).load()
    assert not isinstance(caught.value, MissingPart)


def test_no_gpu_falls_back_to_the_cpu_and_says_so(model, caplog, capfd):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime may have a GPU")
    made = engine(model(NANO), yolo_processor="gpu")
    made.load()
    assert "running on the CPU instead" in caplog.text
    assert "(CPU," in made.description
    assert "".join(capfd.readouterr()) == ""
