"""Which size runs on which picture, and what is loaded for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from zmhook.detectors.yolo.fitted_files import FittedFiles
from zmhook.detectors.yolo.fitting import fit
from zmhook.detectors.yolo.model import YoloModel
from zmhook.detectors.yolo.signs import picture
from zmhook.settings import Yolo

WIDE, CLASSIC, SQUARE, TALL = (1280, 720), (800, 600), (600, 600), (720, 1280)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache" / "fitted"


@pytest.fixture
def settings(model: Callable[[str], Path]) -> Yolo:
    weights = str(model("yolox_nano_416.onnx"))
    return Yolo(weights=weights, yolo_threads=1, yolo_fit=True)


@pytest.fixture
def opened() -> Iterator[Callable[..., YoloModel]]:
    made: list[YoloModel] = []

    def make(settings: Yolo, folder: Path | None) -> YoloModel:
        made.append(YoloModel(settings, folder))
        return made[-1]

    yield make
    for one in made:
        one.close()


def loads(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The sizes that were loaded since the last call."""
    texts = [record.getMessage() for record in caplog.records if "loaded in" in record.msg]
    caplog.clear()
    return [text.split(" network for ")[1].split()[0] for text in texts]


def test_a_fitted_network_runs_where_it_is_ready(settings, folder, opened, caplog):
    caplog.set_level("INFO")
    list(fit(settings, folder, [WIDE]))
    loads(caplog)
    network = opened(settings, folder)
    assert loads(caplog) == ["416x256"]
    assert "416x256, fitted from 416x416" in network.description
    labels = [detection.label for detection in network.detect(picture(WIDE))]
    assert labels[:2] == ["stop sign"] * 2
    assert loads(caplog) == []
    network.detect(picture(SQUARE))
    assert loads(caplog) == ["416x416"]
    assert "(YOLOX 416x416)" in network.description


def test_a_new_file_is_used_as_soon_as_it_is_there(settings, folder, opened, caplog):
    caplog.set_level("INFO")
    network = opened(settings, folder)
    before = network.detect(picture(WIDE))
    assert "(YOLOX 416x416)" in network.description
    assert FittedFiles(folder, Path(settings.weights)).needed() == [(416, 256)]
    list(fit(settings, folder))
    loads(caplog)
    after = network.detect(picture(WIDE))
    assert loads(caplog) == ["416x256"]
    assert [one.label for one in before][:2] == [one.label for one in after][:2]
    assert after == opened(settings, folder).detect(picture(WIDE))


def test_it_is_not_used_any_more_when_it_is_gone(settings, folder, opened):
    list(fit(settings, folder, [WIDE]))
    network = opened(settings, folder)
    network.detect(picture(WIDE))
    for path in folder.glob("*.onnx"):
        path.unlink()
    assert network.detect(picture(WIDE)) == opened(settings, None).detect(picture(WIDE))
    assert "(YOLOX 416x416)" in network.description


def test_no_more_than_two_are_kept_loaded(settings, folder, opened, caplog):
    caplog.set_level("INFO")
    list(fit(settings, folder, [WIDE, CLASSIC, TALL]))
    network = opened(settings, folder)
    for size in (WIDE, CLASSIC, TALL):
        network.detect(picture(size))
    loads(caplog)
    network.detect(picture(TALL))
    network.detect(picture(CLASSIC))
    assert loads(caplog) == []
    network.detect(picture(WIDE))
    assert loads(caplog) == ["416x256"]


def test_a_damaged_file_of_the_right_length(settings, folder, opened, caplog):
    list(fit(settings, folder, [WIDE]))
    (path,) = folder.glob("*.onnx")
    path.write_bytes(b"\0" * path.stat().st_size)
    network = opened(settings, folder)
    assert network.detect(picture(WIDE)) == opened(settings, None).detect(picture(WIDE))
    network.detect(picture(WIDE))
    warnings = [record for record in caplog.records if "is not used" in record.msg]
    assert len(warnings) == 1
    assert "zmhook models fit --again" in warnings[0].getMessage()


@pytest.fixture
def open_yolox(model: Callable[[str], Path], tmp_path: Path) -> Path:
    """The network with its sides left open."""
    onnx = pytest.importorskip("onnx")
    network = onnx.load(model("yolox_nano_416.onnx"))
    for value, names in ((network.graph.input[0], ("", "", "height", "width")),):
        for side, name in zip(value.type.tensor_type.shape.dim, names, strict=True):
            if name:
                side.dim_param = name
    network.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "cells"
    del network.graph.value_info[:]
    onnx.save(network, tmp_path / "open.onnx")
    return tmp_path / "open.onnx"


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_open_network_takes_the_size_itself(open_yolox, folder, opened, caplog, engine: str):
    pytest.importorskip(engine, reason=f"optional: {engine} is not installed")
    caplog.set_level("INFO")
    settings = Yolo(weights=str(open_yolox), yolo_fit=True, yolo_engine=engine, yolo_threads=1)
    (outcome,) = fit(settings, folder, [WIDE])
    assert outcome.state == "made", outcome
    assert list(folder.glob("*.onnx")) == []
    loads(caplog)
    network = opened(settings, folder)
    assert [one.label for one in network.detect(picture(WIDE))][:2] == ["stop sign"] * 2
    assert loads(caplog) == ["640x384"]
    assert "640x384, fitted from 640x640" in network.description


def test_another_engine_runs_the_fitted_file_too(settings, folder, opened):
    pytest.importorskip("openvino", reason="optional: openvino is not installed")
    from msgspec import structs

    list(fit(settings, folder, [WIDE]))
    network = opened(structs.replace(settings, yolo_engine="openvino"), folder)
    assert [one.label for one in network.detect(picture(WIDE))][:2] == ["stop sign"] * 2
    assert "416x256, fitted from 416x416) on OpenVINO" in network.description


@pytest.mark.parametrize("change", [{"yolo_fit": False}, {}])
def test_nothing_is_needed_where_nothing_may_be_fitted(settings, folder, opened, change):
    from msgspec import structs

    settings = structs.replace(settings, **change)
    network = opened(settings, None if not change else folder)
    network.detect(picture(WIDE))
    assert not folder.exists()


def test_darknet_is_not_fitted(model, folder, opened, tmp_path: Path):
    settings = Yolo(
        weights=str(model("yolo-fastest-1.1-xl.weights")),
        config=str(model("yolo-fastest-1.1-xl.cfg")),
        yolo_fit=True,
    )
    opened(settings, folder).detect(picture(WIDE))
    assert not folder.exists()
