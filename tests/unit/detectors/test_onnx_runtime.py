"""Files that no engine here can run, and the one line that says why."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from zmhook.detectors.model_files import ModelFile, yolo_files
from zmhook.detectors.onnx_runtime import External, external, refusal
from zmhook.detectors.yolo.engines import engine_for
from zmhook.errors import ModelFileError
from zmhook.settings import Yolo

if TYPE_CHECKING:
    from collections.abc import Callable

onnx = pytest.importorskip("onnx")

FILE = ModelFile("weights", Path("/own/net.onnx"))


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """Writes a network of one operator, made for what is asked."""

    def write(
        operator: str = "Identity", ir: int = 8, opset: int = 13, *, outside: bool = False
    ) -> Path:
        kind, shape = onnx.TensorProto.FLOAT, [1, 7, 84]
        info = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(operator, ["weights"], ["output0"])],
            "made",
            [info("images", kind, [1, 3, 64, 64])],
            [info("output0", kind, shape)],
            [onnx.numpy_helper.from_array(np.zeros(shape, np.float32), "weights")],
        )
        network = onnx.helper.make_model(
            graph, ir_version=ir, opset_imports=[onnx.helper.make_opsetid("", opset)]
        )
        onnx.helper.set_model_props(network, {"names": "['a', 'b', 'c']"})
        path = tmp_path / "net.onnx"
        if outside:
            onnx.save(
                network,
                path,
                save_as_external_data=True,
                location="net.onnx.data",
                size_threshold=0,
            )
        else:
            path.write_bytes(network.SerializeToString())
        return path

    return write


def said_of(path: Path, engine: str = "onnxruntime") -> str:
    if not find_spec(engine):
        pytest.skip(f"optional: {engine} is not installed")
    settings = Yolo(weights=str(path), yolo_engine=engine)
    files = yolo_files(settings)
    with pytest.raises(ModelFileError) as caught:
        engine_for(files.weights, engine)(files, settings).load()
    said = str(caught.value)
    assert said.startswith(f"[yolo] weights: {path} ")
    assert "\n" not in said
    assert "zmhook models get" not in said
    return said


def test_a_network_for_a_newer_onnx_runtime(made):
    import onnxruntime

    newer = f"is made for a newer ONNX Runtime than {onnxruntime.__version__}: "
    assert f"{newer}IR version 99, understood up to " in said_of(made(ir=99))
    assert f"{newer}opset 99, understood up to " in said_of(made(opset=99))


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_weights_that_lie_in_another_file(made, engine):
    path = made(outside=True)
    data = path.with_name("net.onnx.data")
    settings = Yolo(weights=str(path), yolo_engine=engine)
    if find_spec(engine):
        engine_for(FILE, engine)(yolo_files(settings), settings).load()
    whole = data.read_bytes()
    data.write_bytes(whole[:-9])
    assert f"net.onnx.data, which is cut short ({len(whole) - 9} bytes" in said_of(path, engine)
    data.unlink()
    assert (
        "has its weights in another file, net.onnx.data, which is missing beside it: "
        f"copy that to {path.parent}, too"
    ) in said_of(path, engine)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_an_operator_that_the_engine_does_not_have(made, engine):
    said = said_of(made("MadeUp"), engine)
    assert "MadeUp, which " in said
    assert " does not have" in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("Unsupported model IR version: 12, max supported IR version: 10", "IR version 12, under"),
        (
            "Opset 5 is under development and … support for domain ai.onnx.ml is till opset 4.",
            "opset 5 of ai.onnx.ml, understood up to 4",
        ),
        ("Fatal error: TRT:Thing(-1) is not a registered function/op", "needs TRT:Thing, which"),
        ("Could not find an implementation for Conv(22) node", "needs Conv, which"),
        ("Protobuf parsing failed.", "is damaged or no ONNX network that ONNX Runtime 1.9 under"),
    ],
)
def test_words_of_the_engine(error, says):
    said = str(refusal(FILE, Exception(error), "ONNX Runtime 1.9", error))
    assert says in said
    assert said.startswith("[yolo] weights: /own/net.onnx ")


@pytest.mark.parametrize(
    "data", [b"", b"\x3a", b"\x3a\xff\xff\xff\xff\x0f", b"\xff" * 40, b"<html>"]
)
def test_rubbish_has_no_other_file(tmp_path, data):
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    assert external(path) == []
    assert external(tmp_path / "none") == []


def test_a_file_cut_anywhere_is_read_without_an_error(made):
    path = made(outside=True)
    assert external(path) == [External("net.onnx.data", 7 * 84 * 4)]
    whole = path.read_bytes()
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        assert isinstance(external(path), list)
