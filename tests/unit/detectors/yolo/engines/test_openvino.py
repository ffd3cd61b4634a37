from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from zmhook.detectors.model_files import yolo_files
from zmhook.detectors.yolo.engines.openvino import OpenVinoEngine, runtime
from zmhook.errors import DetectorError, MissingPart, ModelFileError
from zmhook.settings import Yolo

NANO = "yolox_nano_416.onnx"
SURE = 0.35
"""Well above the minimum confidence, so that rounding moves no detection over it."""


@pytest.fixture
def openvino():
    if not find_spec("openvino"):
        pytest.skip("optional: openvino is not installed")
    return runtime()  # not importorskip: that would tell the vendor


def engine(weights, **settings) -> OpenVinoEngine:
    given = Yolo(weights=str(weights), **settings)
    return OpenVinoEngine(yolo_files(given), given)


def refusal(path, capfd) -> str:
    """The one line with which a file is refused; nothing else may be printed by anybody."""
    with pytest.raises(ModelFileError) as caught:
        engine(path).load()
    assert "".join(capfd.readouterr()) == ""
    said = str(caught.value)
    assert said.startswith(f"[yolo] weights: {path} ")
    assert "\n" not in said
    return said


def overlap(one, other) -> float:
    """Intersection over union."""
    wide = min(one.x2, other.x2) - max(one.x1, other.x1)
    high = min(one.y2, other.y2) - max(one.y1, other.y1)
    both = max(0, wide) * max(0, high)
    areas = [(box.x2 - box.x1) * (box.y2 - box.y1) for box in (one, other)]
    return both / (sum(areas) - both)


@pytest.mark.usefixtures("openvino")
def test_it_says_what_it_has_loaded(model):
    made = engine(model(NANO), yolo_threads=1)
    network = made.load()
    assert (network.family, network.size, network.outputs) == ("onnx", (416, 416), ((1, 3549, 85),))
    assert made.description.startswith("OpenVINO 20")
    assert made.description.endswith("(CPU, f32, 1 threads)")
    (output,) = made.infer(np.zeros((1, 3, 416, 416), np.float32))
    assert output.shape == (1, 3549, 85)
    assert output.dtype == np.float32


@pytest.mark.usefixtures("openvino")
@pytest.mark.parametrize("weights", [NANO, "yolov8n.onnx"])
@pytest.mark.parametrize("name", ["dog.jpg", "busstop.jpg", "horses.jpg"])
def test_it_sees_what_onnx_runtime_sees(yolo, frame, model, weights, name):
    pytest.importorskip("onnxruntime")
    found = [
        [
            one
            for one in yolo(model(weights), yolo_engine=engine).detect([frame(name)])[0]
            if one.confidence > SURE
        ]
        for engine in ("onnxruntime", "openvino")
    ]
    assert found[0]
    assert [one.label for one in found[0]] == [one.label for one in found[1]]
    for one, other in zip(*found, strict=True):
        assert other.confidence == pytest.approx(one.confidence, abs=0.01)
        assert overlap(one.box, other.box) > 0.98


@pytest.mark.usefixtures("openvino")
def test_the_labels_in_the_file_are_read(yolo, network, grey):
    made = np.zeros((1, 300, 6))
    made[0, 0] = (8, 12, 40, 52, 0.9, 1)
    weights = network(made, metadata={"names": "['cat', 'dog']"})
    (dog,) = yolo(weights, yolo_engine="openvino").detect([grey])[0]
    assert dog.label == "dog"


def test_precision_is_never_left_to_openvino(openvino, model, caplog):
    has = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    made = engine(model(NANO), yolo_precision="bf16")
    made.load()
    assert ("CPU, bf16," in made.description) == ("BF16" in has)
    assert ("this processor has no bf16" in caplog.text) == ("BF16" not in has)


@pytest.mark.parametrize("part", [0.0001, 0.1, 0.5, 0.9, 0.9999])
@pytest.mark.usefixtures("openvino")
def test_a_truncated_file(model, tmp_path, capfd, part):
    whole = model(NANO).read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(len(whole) * part)])
    assert "is damaged or no ONNX network" in refusal(path, capfd)


@pytest.mark.parametrize("name", ["photos/dog.jpg", "models/yolo-fastest-1.1-xl.cfg"])
@pytest.mark.usefixtures("openvino")
def test_a_file_of_another_kind(assets, tmp_path, capfd, name):
    path = tmp_path / "other.onnx"
    shutil.copy(assets / name, path)
    assert refusal(path, capfd).endswith("copy it again")
    known = tmp_path / "yolox_s" / "yolox_s.onnx"
    known.parent.mkdir()
    shutil.copy(path, known)
    assert refusal(known, capfd).endswith("again with 'sudo zmhook models get yolox_s --force'")


@pytest.mark.usefixtures("openvino")
def test_a_network_that_takes_something_else_than_one_picture(model, capfd):
    said = refusal(model("cct_xs_v1_global.onnx"), capfd)
    assert "takes u8 [None, 64, 128, 3]" in said
    assert "[1, 3, height, width]" in said


@pytest.mark.usefixtures("openvino")
def test_an_open_size_is_settled(open_network):
    network = engine(open_network, yolo_input_size=64).load()
    assert (network.size, network.outputs) == ((64, 64), ((1, 6, 20),))
    assert network.metadata["names"] == "{0: 'cat', 1: 'dog'}"


@pytest.mark.usefixtures("openvino")
def test_half_precision_input(network):
    made = engine(network(np.ones((1, 300, 6)), half=True))
    made.load()
    (output,) = made.infer(np.zeros((1, 3, 64, 64), np.float32))
    assert output.dtype == np.float32


@pytest.mark.usefixtures("openvino")
def test_an_input_of_the_wrong_size_is_one_error(model):
    made = engine(model(NANO))
    made.load()
    with pytest.raises(DetectorError, match=r"yolox_nano_416\.onnx failed: .*shape") as caught:
        made.infer(np.zeros((1, 3, 64, 64), np.float32))
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("openvino")
def test_after_closing_it_says_so(model):
    made = engine(model(NANO))
    made.load()
    made.close()
    made.close()
    with pytest.raises(DetectorError, match="after it was closed"):
        made.infer(np.zeros((1, 3, 416, 416), np.float32))


@pytest.mark.usefixtures("openvino")
def test_a_gpu_is_not_for_it(model, caplog):
    engine(model(NANO), yolo_processor="gpu").load()
    assert "OpenVINO runs on the CPU" in caplog.text


def test_without_openvino_the_extra_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingPart, match=r"pip install '\.\[openvino\]'") as caught:
        engine(model(NANO)).load()
    assert caught.value.extra == "openvino"


def test_a_broken_openvino_is_told_from_a_missing_one(model, tmp_path, monkeypatch):
    (tmp_path / "openvino.py").write_text("raise ImportError('libtbb.so.12: not found')\n")
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DetectorError, match=r"cannot be imported: libtbb\.so\.12") as caught:
        engine(model(NANO)).load()
    assert not isinstance(caught.value, MissingPart)


LOADS = """
import sys
from zmhook.detectors.yolo.detector import YoloDetector
from zmhook.settings import Settings, Yolo
YoloDetector(Settings(yolo=Yolo(weights=sys.argv[1], yolo_engine="openvino"))).load()
print(sorted(name for name, module in sys.modules.items() if module and "telemetry" in name))
"""


@pytest.mark.usefixtures("openvino")
def test_the_vendor_is_told_nothing(model, tmp_path, root):
    env = {key: value for key, value in os.environ.items() if key not in ("CI", "TF_BUILD")}
    env |= {"HOME": str(tmp_path), "PYTHONPATH": str(root / "hook")}
    done = subprocess.run(
        [sys.executable, "-c", LOADS, str(model(NANO))],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []
