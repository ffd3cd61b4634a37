from __future__ import annotations

import shutil

import numpy as np
import pytest

from zmhook.detectors.model_files import yolo_files
from zmhook.detectors.yolo.engines.darknet import DarknetEngine
from zmhook.errors import DetectorError, ModelFileError
from zmhook.settings import Yolo

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def weights(model):
    return model("yolo-fastest-1.1-xl.weights")


@pytest.fixture
def cfg(model):
    return model("yolo-fastest-1.1-xl.cfg")


@pytest.fixture(autouse=True)
def threads_as_before():
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def engine(weights, cfg="", **settings) -> DarknetEngine:
    given = Yolo(weights=str(weights), config=str(cfg), **settings)
    return DarknetEngine(yolo_files(given), given)


def refusal(weights, cfg, capfd) -> str:
    """The one line with which files are refused; nothing else may be printed by anybody."""
    with pytest.raises(ModelFileError) as caught:
        engine(weights, cfg).load()
    assert "".join(capfd.readouterr()) == ""
    assert "\n" not in str(caught.value)
    return str(caught.value)


def written(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_it_says_what_it_has_loaded(weights, cfg):
    made = engine(weights, cfg, yolo_threads=1)
    network = made.load()
    assert (network.family, network.size) == ("darknet", (320, 320))
    assert network.outputs == ((-1, 85), (-1, 85))
    assert made.description.endswith("(CPU, 1 threads)")
    assert cv2.getNumThreads() == 1
    outputs = made.infer(np.zeros((1, 3, 320, 320), np.float32))
    assert [one.shape for one in outputs] == [(300, 85), (1200, 85)]


def test_the_size_can_be_set(weights, cfg):
    assert engine(weights, cfg, yolo_input_size=416).load().size == (416, 416)


def test_a_cfg_that_is_not_square(weights, cfg, tmp_path):
    wide = written(tmp_path / "wide.cfg", cfg.read_text().replace("width=320", "width = 416"))
    assert engine(weights, wide).load().size == (416, 320)


@pytest.mark.parametrize("part", [0.00001, 0.5, 0.9, 0.99999])
def test_truncated_weights(weights, cfg, tmp_path, capfd, part):
    whole = weights.read_bytes()
    cut = written(tmp_path / "cut.weights", whole[: int(len(whole) * part)])
    said = refusal(cut, cfg, capfd)
    assert said.startswith(f"[yolo] weights: {cut} has {cut.stat().st_size} bytes")
    assert str(len(whole)) in said
    assert said.endswith("copy both again")


def test_weights_of_another_cfg(weights, cfg, tmp_path, capfd):
    fewer = cfg.read_text().replace("filters=255", "filters=75").replace("=80", "=20")
    said = refusal(weights, written(tmp_path / "voc.cfg", fewer), capfd)
    assert "belongs to another .cfg" in said
    assert f"config {tmp_path / 'voc.cfg'}" in said


def test_a_cfg_that_contradicts_itself(weights, cfg, tmp_path, capfd):
    wrong = cfg.read_text().replace("classes=80", "classes=20")
    assert "do not belong together" in refusal(weights, written(tmp_path / "a.cfg", wrong), capfd)


@pytest.mark.parametrize("name", ["photos/dog.jpg", "models/yolo-fastest-1.1-xl.cfg"])
def test_weights_of_another_kind(assets, cfg, tmp_path, capfd, name):
    path = tmp_path / "other.weights"
    shutil.copy(assets / name, path)
    said = refusal(path, cfg, capfd)
    assert said.startswith(f"[yolo] weights: {path} and config {cfg} are damaged")


@pytest.mark.parametrize("name", ["photos/dog.jpg", "models/yolo-fastest-1.1-xl.weights"])
def test_a_cfg_of_another_kind(assets, weights, capfd, name):
    said = refusal(weights, assets / name, capfd)
    assert (
        said == f"[yolo] config: {assets / name} is no Darknet .cfg: it does not begin with [net]"
    )


def test_a_truncated_cfg(weights, cfg, tmp_path, capfd):
    text = cfg.read_text()
    assert "no [yolo] with classes" in refusal(
        weights, written(tmp_path / "a.cfg", text[: len(text) // 2]), capfd
    )


def test_a_cfg_without_a_size(weights, cfg, tmp_path, capfd):
    text = cfg.read_text().replace("width=320", "width=0")
    assert "has no width" in refusal(weights, written(tmp_path / "a.cfg", text), capfd)


def test_a_size_that_is_no_multiple_of_32(weights, cfg, tmp_path, capfd):
    text = cfg.read_text().replace("width=320", "width=330")
    assert "330 is not a multiple of 32" in refusal(
        weights, written(tmp_path / "a.cfg", text), capfd
    )


def test_the_cfg_has_to_be_named(weights, capfd):
    assert refusal(weights, "", capfd).startswith("[yolo] config is empty")


def test_missing_files_are_named(weights, cfg, tmp_path, capfd):
    assert "weights: " in refusal(tmp_path / "none.weights", cfg, capfd)
    assert "config: " in refusal(weights, tmp_path / "none.cfg", capfd)


def test_opencv_5_cannot_read_darknet(weights, cfg, monkeypatch):
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(
        DetectorError, match=r"OpenCV 5\.0\.0 cannot.*opencv-contrib-python-headless<5"
    ):
        engine(weights, cfg).load()


def test_no_gpu_falls_back_to_the_cpu_and_says_so(weights, cfg, caplog):
    if cv2.cuda.getCudaEnabledDeviceCount():
        pytest.skip("this machine has a GPU")
    made = engine(weights, cfg, yolo_processor="gpu")
    made.load()
    assert "running on the CPU instead" in caplog.text
    assert "(CPU," in made.description


def test_a_wrong_input_is_one_error_and_closing_ends_it(weights, cfg):
    made = engine(weights, cfg)
    made.load()
    with pytest.raises(DetectorError, match=r"\.weights failed: "):
        made.infer(np.zeros((1, 7, 320, 320), np.float32))
    made.close()
    made.close()
    with pytest.raises(DetectorError, match="after it was closed"):
        made.infer(np.zeros((1, 3, 320, 320), np.float32))
