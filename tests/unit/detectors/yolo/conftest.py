"""Detectors over real weights, and small ONNX networks that say what a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from zmhook.detectors.yolo.detector import YoloDetector
from zmhook.frame import Frame
from zmhook.settings import Settings, Yolo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


@pytest.fixture
def yolo() -> Iterator[Callable[..., YoloDetector]]:
    """Makes a loaded detector from settings of `[yolo]`."""
    made: list[YoloDetector] = []

    def make(weights: Path, **settings: object) -> YoloDetector:
        given = {key: str(value) if key in PATHS else value for key, value in settings.items()}
        made.append(YoloDetector(Settings(yolo=Yolo(weights=str(weights), **given))))
        made[-1].load()
        return made[-1]

    yield make
    for detector in made:
        detector.close()


PATHS = {"config", "labels", "tiny_weights", "tiny_config", "tiny_labels"}


@pytest.fixture
def frame(photo: Callable[[str], Path]) -> Callable[[str], Frame]:
    """Reads a photo."""
    cv2 = pytest.importorskip("cv2")

    def read(name: str) -> Frame:
        return Frame(image=cv2.imread(str(photo(name))), id="snapshot", origin=name)

    return read


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Path]:
    """Writes an ONNX file that gives constant outputs, whatever the picture."""
    onnx = pytest.importorskip("onnx")

    def write(
        *outputs: np.ndarray,
        size: tuple[int, int] = (64, 64),
        shape: list[object] | None = None,
        metadata: dict[str, str] | None = None,
        half: bool = False,
        names: Sequence[str] = (),
        takes: str = "",
        more: dict[str, list[object]] | None = None,
    ) -> Path:
        kind = onnx.TensorProto.FLOAT16 if half else onnx.TensorProto.FLOAT
        given = getattr(onnx.TensorProto, takes) if takes else kind
        outputs = tuple(one.astype(np.float16 if half else np.float32) for one in outputs)
        shape = shape or [1, 3, size[1], size[0]]
        names = names or [f"output{i}" for i in range(len(outputs))]
        others = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, sides)
            for name, sides in (more or {}).items()
        ]
        graph = onnx.helper.make_graph(
            [
                node
                for name, value in zip(names, outputs, strict=True)
                for node in constant(onnx, name, value)
            ],
            "made",
            [onnx.helper.make_tensor_value_info("images", given, shape), *others],
            [
                onnx.helper.make_tensor_value_info(name, kind, value.shape)
                for name, value in zip(names, outputs, strict=True)
            ],
        )
        return save(onnx, graph, tmp_path / "made.onnx", metadata)

    return write


@pytest.fixture
def open_network(tmp_path: Path) -> Path:
    """An ONNX file that leaves its size open: two classes, strides 16 and 32, mean colours."""
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    nodes = []
    for stride in (16, 32):
        window = [stride, stride]
        nodes += [
            node("AveragePool", ["images"], [f"p{stride}"], kernel_shape=window, strides=window),
            node("Reshape", [f"p{stride}", "flat"], [f"f{stride}"]),
        ]
    nodes += [
        node("Concat", ["f16", "f32"], ["half"], axis=2),
        node("Concat", ["half", "half"], ["output0"], axis=1),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "open",
        [onnx.helper.make_tensor_value_info("images", kind, ["batch", 3, "height", "width"])],
        [onnx.helper.make_tensor_value_info("output0", kind, ["batch", 6, "cells"])],
        [onnx.numpy_helper.from_array(np.array([1, 3, -1], np.int64), "flat")],
    )
    return save(onnx, graph, tmp_path / "open.onnx", {"names": "{0: 'cat', 1: 'dog'}"})


@pytest.fixture
def written(tmp_path: Path) -> Callable[[object], Path]:
    """Writes a graph of a test's own."""
    onnx = pytest.importorskip("onnx")
    return lambda graph: save(onnx, graph, tmp_path / "own.onnx", None)


def constant(onnx: Any, name: str, value: np.ndarray) -> list[object]:
    """Nodes that give a value. No rows are made of one: OpenVINO takes a constant without any for
    a number."""
    make = onnx.helper.make_node
    if value.size:
        return [make("Constant", [], [name], value=onnx.numpy_helper.from_array(value))]
    some = onnx.numpy_helper.from_array(np.zeros((1, *value.shape[1:]), value.dtype))
    none = onnx.numpy_helper.from_array(np.zeros(1, np.int64))
    return [
        make("Constant", [], [f"{name}_some"], value=some),
        make("Constant", [], [f"{name}_none"], value=none),
        make("Slice", [f"{name}_some", f"{name}_none", f"{name}_none"], [name]),
    ]


def save(onnx: object, graph: object, path: Path, metadata: dict[str, str] | None) -> Path:
    made = onnx.helper.make_model(  # type: ignore[attr-defined]
        graph,
        opset_imports=[onnx.helper.make_opsetid("", 13)],  # type: ignore[attr-defined]
        ir_version=8,
    )
    onnx.helper.set_model_props(made, metadata or {})  # type: ignore[attr-defined]
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def grey() -> Frame:
    """A picture with nothing in it."""
    return Frame(image=np.full((48, 64, 3), 128, np.uint8), id="snapshot", origin="made")
