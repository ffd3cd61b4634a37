"""Fitted networks are made, compared, kept, and told of when that cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from zmhook.detection import Box, Detection
from zmhook.detectors.yolo import fitting
from zmhook.detectors.yolo.fitted_files import FittedFiles
from zmhook.detectors.yolo.fitting import difference, fit, prune
from zmhook.settings import Yolo

WIDE = (1920, 1080)


@pytest.fixture
def yolox(model: Callable[[str], Path]) -> Yolo:
    return Yolo(weights=str(model("yolox_nano_416.onnx")), yolo_threads=1)


def states(outcomes: object) -> list[tuple[object, str]]:
    return [(outcome.size, outcome.state) for outcome in outcomes]  # type: ignore[attr-defined]


def ready(settings: Yolo, folder: Path, size: tuple[int, int]) -> bool:
    files = FittedFiles(folder, Path(settings.weights))
    return files.record is not None and files.fitted(files.record, size) is not None


def test_the_usual_aspects_where_no_picture_has_come(yolox: Yolo, tmp_path: Path):
    folder = tmp_path / "cache" / "fitted"
    assert states(fit(yolox, folder)) == [((416, 256), "made"), ((416, 320), "made")]
    assert ready(yolox, folder, (416, 256))
    assert states(fit(yolox, folder)) == [((416, 256), "there"), ((416, 320), "there")]
    kinds = sorted(path.suffix for path in folder.iterdir())
    assert kinds == [".json", ".onnx", ".onnx"]
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())


def test_what_was_needed(yolox: Yolo, tmp_path: Path):
    (tmp_path / "cache").mkdir()
    folder = tmp_path / "cache" / "fitted"
    needs = FittedFiles(folder, Path(yolox.weights))
    assert states(fit(yolox, folder, only_needed=True)) == []
    needs.need((256, 416))
    assert states(fit(yolox, folder, only_needed=True)) == [((256, 416), "made")]
    assert needs.needed() == []


def test_a_v8_for_a_picture(model: Callable[[str], Path], tmp_path: Path):
    settings = Yolo(weights=str(model("yolov8n.onnx")), yolo_threads=1)
    assert states(fit(settings, tmp_path, [WIDE, (1280, 720)])) == [((640, 384), "made")]
    assert states(fit(settings, tmp_path, [(500, 500)])) == [(None, "there")]


def test_a_damaged_file_is_made_again(yolox: Yolo, tmp_path: Path):
    list(fit(yolox, tmp_path, [WIDE]))
    (path,) = tmp_path.glob("*.onnx")
    path.write_bytes(path.read_bytes()[:1000])
    assert not ready(yolox, tmp_path, (416, 256))
    assert states(fit(yolox, tmp_path, [WIDE])) == [((416, 256), "made")]
    assert states(fit(yolox, tmp_path, [WIDE], again=True)) == [((416, 256), "made")]


def test_what_is_refused_is_remembered(
    yolox: Yolo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "difference", lambda *_: "it sees a cat")
        (outcome,) = fit(yolox, tmp_path, [WIDE])
        assert str(outcome) == "for 416x256 the network is used as it is (it sees a cat)"
    assert list(tmp_path.glob("*.onnx")) == []
    assert states(fit(yolox, tmp_path, [WIDE])) == [((416, 256), "refused")]
    assert states(fit(yolox, tmp_path, [WIDE], again=True)) == [((416, 256), "made")]


def test_a_strange_network_is_refused(network, tmp_path: Path):
    rows = np.zeros((1, 300, 6))
    rows[0, 0] = (8, 12, 40, 52, 0.9, 1)
    weights = network(rows, size=(128, 128), metadata={"names": "['cat', 'dog']"})
    (outcome,) = fit(Yolo(weights=str(weights)), tmp_path / "fitted", [WIDE])
    assert outcome.state == "refused"
    assert outcome.reason


def test_an_open_network_is_compared_and_needs_no_file(open_network: Path, tmp_path: Path):
    (outcome,) = fit(Yolo(weights=str(open_network)), tmp_path / "fitted", [WIDE])
    assert outcome.size == (640, 384)
    assert list((tmp_path / "fitted").glob("*.onnx")) == []


def test_networks_that_stretch_pictures(model: Callable[[str], Path], tmp_path: Path):
    darknet = Yolo(weights=str(model("yolo-fastest-1.1-xl.weights")))
    (outcome,) = fit(darknet, tmp_path, [WIDE])
    assert str(outcome) == (
        "the network is used as it is (Darknet stretches pictures, so there is nothing to save)"
    )


def test_a_folder_that_is_none(yolox: Yolo, tmp_path: Path):
    (tmp_path / "fitted").write_bytes(b"")
    with pytest.raises(OSError, match="exists"):
        list(fit(yolox, tmp_path / "fitted", [WIDE]))


def test_a_full_disk(yolox: Yolo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(fitting.atomic, "write", full)
        (outcome,) = fit(yolox, tmp_path, [WIDE])
    assert outcome.state == "failed"
    assert "No space left" in outcome.reason
    assert list(tmp_path.iterdir()) == []


def test_two_processes_at_once(yolox: Yolo, tmp_path: Path):
    text = (
        "import sys; from pathlib import Path; from zmhook.settings import Yolo;"
        "from zmhook.detectors.yolo.fitting import fit;"
        "print(*(o.state for o in fit(Yolo(weights=sys.argv[1], yolo_threads=1),"
        " Path(sys.argv[2]), [(1920, 1080)])))"
    )
    command = [sys.executable, "-c", text, yolox.weights, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=300)[0].strip() for process in both)
    assert said == ["made", "there"]
    assert len(list(tmp_path.iterdir())) == 2


def test_without_onnx(yolox: Yolo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("onnx.") or name == "onnx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "zmhook.detectors.yolo.refit", raising=False)
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    (outcome,) = fit(yolox, tmp_path, [WIDE])
    assert outcome.state == "failed"
    assert "onnx" in outcome.reason
    assert list(tmp_path.glob("*.json")) == []


def test_the_files_used_least_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fitting, "MOST_BYTES", 35)
    for number in range(5):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(b"x" * 10)
        os.utime(path, (number, number))
    prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.onnx", "3.onnx", "4.onnx"]
    monkeypatch.setattr(fitting, "MOST_FILES", 1)
    prune(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["4.onnx"]


def one(label: str, confidence: float, x: int = 0) -> Detection:
    return Detection(label=label, confidence=confidence, box=Box(x, 0, x + 100, 100), model="yolo")


@pytest.mark.parametrize(
    ("own", "fitted", "same"),
    [
        ([one("dog", 0.9)], [one("dog", 0.8)], True),
        ([one("dog", 0.9)], [one("dog", 0.6)], False),
        ([one("dog", 0.9)], [one("cat", 0.9)], False),
        ([one("dog", 0.9)], [one("dog", 0.9, 4)], True),
        ([one("dog", 0.9)], [one("dog", 0.9, 9)], False),
        ([one("dog", 0.9)], [one("dog", 0.9), one("cat", 0.5, 300)], False),
        ([one("dog", 0.9), one("cat", 0.2)], [one("dog", 0.9)], True),
        ([one("dog", 0.05)], [], False),
        ([one("dog", 0.05)], [one("dog", 0.04)], True),
        ([], [], False),
    ],
)
def test_difference(own: list[Detection], fitted: list[Detection], same: bool):
    assert (difference(own, fitted) == "") is same
