"""Settings made in a line, small networks that say what a test wants, and cut-out vehicles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.settings import Alpr, General, Settings
from zmhook.settings.section import Secret


@pytest.fixture
def settings(tmp_path: Path, model) -> Callable[..., Settings]:
    """Make settings with `[alpr]` as given; reading on this machine finds its network."""

    def make(plates: dict[str, str] | None = None, **own) -> Settings:
        given = {"plate_ocr": str(model("cct_xs_v1_global.onnx")), "plate_detector": "", **own}
        if "alpr_key" in given:
            given["alpr_key"] = Secret(given["alpr_key"])
        general = General(base_data_path=str(tmp_path), models=("alpr",))
        return Settings(general=general, alpr=Alpr(**given), plates=plates or {})

    return make


@pytest.fixture
def cut(photo) -> Callable[..., np.ndarray]:
    """Cut x1, y1, x2, y2 out of a photo."""

    def make(name: str, *box: int) -> np.ndarray:
        image = cv2.imread(str(photo(name)))
        x1, y1, x2, y2 = box or (0, 0, image.shape[1], image.shape[0])
        return image[y1:y2, x1:x2]

    return make


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Path]:
    """Write an ONNX file that gives a constant, whatever the picture."""
    onnx = pytest.importorskip("onnx")

    def write(
        output: np.ndarray,
        shape: tuple[object, ...] = (1, 3, 64, 64),
        kind: str = "FLOAT",
        metadata: dict[str, str] | None = None,
    ) -> Path:
        value = onnx.numpy_helper.from_array(output.astype(np.float32))
        helper = onnx.helper
        graph = helper.make_graph(
            [helper.make_node("Constant", [], ["output"], value=value)],
            "made",
            [helper.make_tensor_value_info("input", getattr(onnx.TensorProto, kind), shape)],
            [helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, output.shape)],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(made, metadata or {})
        path = tmp_path / "made.onnx"
        path.write_bytes(made.SerializeToString())
        return path

    return write
