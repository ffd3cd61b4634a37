from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.detectors.model_files import ModelFile
from zmhook.detectors.yolo import engines
from zmhook.detectors.yolo.engines import engine_for
from zmhook.errors import ModelFileError


@pytest.mark.parametrize(
    ("name", "engine"),
    [("a.onnx", "OnnxEngine"), ("A.ONNX", "OnnxEngine"), ("a.weights", "DarknetEngine")],
)
def test_the_suffix_chooses_the_engine(name, engine):
    assert engine_for(ModelFile("weights", Path(name)), "onnxruntime").__name__ == engine


@pytest.mark.parametrize(
    ("name", "engine"), [("a.onnx", "OpenVinoEngine"), ("a.weights", "DarknetEngine")]
)
def test_of_several_engines_for_a_suffix_the_setting_chooses(name, engine):
    assert engine_for(ModelFile("weights", Path(name)), "openvino").__name__ == engine


@pytest.mark.parametrize("name", ["a.pt", "a", "a.cfg"])
def test_other_suffixes_are_refused_with_those_that_are_read(name):
    with pytest.raises(ModelFileError) as caught:
        engine_for(ModelFile("tiny_weights", Path(name)), "onnxruntime")
    assert str(caught.value) == (
        f"[yolo] tiny_weights: {name} is of no kind that can be run; understood: .onnx, .weights"
    )


def test_a_new_engine_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "paper.py").write_text(
        "class Paper:\n    reads, name = '.paper', 'p'\n\n\nENGINE = Paper\n"
    )
    monkeypatch.setattr(engines, "__path__", [*engines.__path__, str(tmp_path)])
    assert engine_for(ModelFile("weights", Path("a.paper")), "onnxruntime").__name__ == "Paper"
    assert engine_for(ModelFile("weights", Path("a.onnx")), "onnxruntime").__name__ == "OnnxEngine"
