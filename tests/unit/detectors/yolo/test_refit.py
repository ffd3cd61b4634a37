"""Graphs that are laid out for another size, and those that are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from zmhook.detectors.yolo import refit  # noqa: E402
from zmhook.detectors.yolo.refit import (  # noqa: E402
    Layout,
    NotRefittedError,
    refitted,
    regridded,
    reshaped,
)

WIDE = Layout((64, 64), (64, 32))
TALL = Layout((64, 64), (32, 64))
FLOAT = onnx.TensorProto.FLOAT
node = onnx.helper.make_node


def number(value: Any, name: str, kind: type = np.int64) -> Any:
    return onnx.numpy_helper.from_array(np.array(value, kind), name)


def graph(
    nodes: list[Any], constants: list[Any], shape: list[Any], output: list[Any] | None = None
) -> bytes:
    """A network of an input `images` and an output `output0`."""
    made = onnx.helper.make_graph(
        nodes,
        "made",
        [onnx.helper.make_tensor_value_info("images", FLOAT, shape)],
        [onnx.helper.make_tensor_value_info("output0", FLOAT, output)],
        constants,
    )
    model = onnx.helper.make_model(
        made, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )
    return bytes(model.SerializeToString())


def run(data: bytes, size: tuple[int, int]) -> np.ndarray:
    ort = pytest.importorskip("onnxruntime")
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(1).random((1, 3, size[1], size[0]), np.float32)
    return np.asarray(session.run(None, {"images": picture})[0])


POOL = node("AveragePool", ["images"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8])


@pytest.mark.parametrize("size", [(640, 384), (384, 640), (640, 288), (480, 640)])
def test_a_v8(model: Callable[[str], Path], size: tuple[int, int]):
    data = refitted(model("yolov8n.onnx").read_bytes(), size)
    made = onnx.load_model_from_string(data)
    count = sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    assert run(data, size).shape == (1, 84, count)
    assert {entry.key: entry.value for entry in made.metadata_props}["imgsz"] == str(
        [size[1], size[0]]
    )
    onnx.checker.check_model(made)


def test_a_yolox(model: Callable[[str], Path]):
    data = refitted(model("yolox_nano_416.onnx").read_bytes(), (416, 256))
    assert run(data, (416, 256)).shape == (1, 52 * 32 + 26 * 16 + 13 * 8, 85)


def test_a_v5_with_the_grid_in_its_constants():
    """As v5 exports it: of each level `(1, 3, rows, columns, 2)` offsets, and as many anchors."""
    rows, columns = np.mgrid[:8, :8]
    grid = np.stack((columns, rows), axis=-1)[None, None].repeat(3, axis=1) - 0.5
    anchors = np.array([[10, 13], [16, 30], [33, 23]]).reshape(1, 3, 1, 1, 2)
    anchors = anchors.repeat(8, axis=2).repeat(8, axis=3)
    nodes = [
        POOL,
        node("Concat", ["pooled", "pooled"], ["six"], axis=1),
        node("Reshape", ["six", "apart"], ["five"]),
        node("Transpose", ["five"], ["last"], perm=[0, 1, 3, 4, 2]),
        node("Add", ["last", "grid"], ["moved"]),
        node("Mul", ["moved", "anchors"], ["scaled"]),
        node("Reshape", ["scaled", "flat"], ["output0"]),
    ]
    constants = [
        number([1, 3, 2, 8, 8], "apart"),
        number(grid, "grid", np.float32),
        number(anchors, "anchors", np.float32),
        number([1, 192, 2], "flat"),
    ]
    data = graph(nodes, constants, [1, 3, 64, 64])
    for width, height in ((64, 32), (32, 64)):
        after = refitted(data, (width, height))
        assert run(after, (width, height)).shape == (1, 3 * width * height // 64, 2)
        made = {
            each.name: onnx.numpy_helper.to_array(each)
            for each in onnx.load_model_from_string(after).graph.initializer
        }
        (grid_now,) = (each for each in made.values() if each.ndim == 5 and each.min() < 0)
        cut = grid[:, :, : height // 8, : width // 8]
        assert np.array_equal(grid_now, cut.astype(np.float32))


def test_attention_folds_the_rows_and_unfolds_them():
    """As v10's and v11's do; sides of the same length are told apart by the grid."""
    nodes = [
        POOL,
        node("Reshape", ["pooled", "flat"], ["folded"]),
        node("Relu", ["folded"], ["seen"]),
        node("Reshape", ["seen", "grid"], ["output0"]),
    ]
    constants = [number([1, 1, 3, 64], "flat"), number([1, 3, 8, 8], "grid")]
    data = graph(nodes, constants, [1, 3, 64, 64])
    before = run(data, (64, 64))
    after = run(refitted(data, (64, 32)), (64, 32))
    assert (before.shape, after.shape) == ((1, 3, 8, 8), (1, 3, 4, 8))
    assert run(refitted(data, (32, 64)), (32, 64)).shape == (1, 3, 8, 4)


def test_sizes_of_a_resize():
    nodes = [POOL, node("Resize", ["pooled", "", "", "sizes"], ["output0"], mode="nearest")]
    data = graph(nodes, [number([1, 3, 16, 16], "sizes")], [1, 3, 64, 64])
    assert run(refitted(data, (64, 32)), (64, 32)).shape == (1, 3, 8, 16)


def test_a_constant_that_two_share_stays_for_the_other():
    nodes = [
        POOL,
        node("Reshape", ["pooled", "shape"], ["one"]),
        node("Reshape", ["other", "shape"], ["two"]),
        node("ReduceSum", ["two"], ["sum"], keepdims=0),
        node("Mul", ["one", "sum"], ["output0"]),
    ]
    constants = [number([1, 3, 64], "shape"), number(np.ones((3, 64)), "other", np.float32)]
    data = graph(nodes, constants, [1, 3, 64, 64])
    assert run(refitted(data, (64, 32)), (64, 32)).shape == (1, 3, 32)


def refused(data: bytes, size: tuple[int, int] = (64, 32)) -> str:
    with pytest.raises(NotRefittedError) as error:
        refitted(data, size)
    return str(error.value)


def test_a_constant_over_the_grid_that_is_no_grid():
    noise = np.random.default_rng(2).random((1, 3, 8, 8))
    nodes = [POOL, node("Add", ["pooled", "noise"], ["output0"])]
    assert "lies over the grid" in refused(
        graph(nodes, [number(noise, "noise", np.float32)], [1, 3, 64, 64])
    )


def test_places_in_shares_of_the_input():
    shares = np.broadcast_to(np.arange(8)[:, None] / 8, (1, 1, 8, 8))
    nodes = [POOL, node("Add", ["pooled", "shares"], ["output0"])]
    assert "lies over the grid" in refused(
        graph(nodes, [number(shares, "shares", np.float32)], [1, 3, 64, 64])
    )


def test_a_part_of_the_cells():
    nodes = [POOL, node("Slice", ["pooled", "start", "end", "axis"], ["output0"])]
    constants = [number([2], "start"), number([8], "end"), number([2], "axis")]
    assert "a part of the cells" in refused(graph(nodes, constants, [1, 3, 64, 64]))


def test_a_shape_that_has_no_like():
    nodes = [POOL, node("Reshape", ["pooled", "shape"], ["output0"])]
    assert "has no like" in refused(graph(nodes, [number([16, 12], "shape")], [1, 3, 64, 64]))


def test_an_input_that_is_open():
    data = graph([node("Relu", ["images"], ["output0"])], [], [1, 3, "height", "width"])
    assert "no size of its own" in refused(data)


def test_graphs_within_the_graph():
    inner = onnx.helper.make_graph(
        [node("Constant", [], ["x"], value=number([1.0], "v", np.float32))],
        "inner",
        [],
        [onnx.helper.make_tensor_value_info("x", FLOAT, [1])],
    )
    nodes = [node("If", ["yes"], ["output0"], then_branch=inner, else_branch=inner)]
    data = graph(nodes, [number(True, "yes", np.bool_)], [1, 3, 64, 64])
    assert "graphs within" in refused(data)


def test_weights_in_another_file(tmp_path: Path):
    nodes = [node("Mul", ["images", "weights"], ["output0"])]
    weights = number(np.ones((1, 3, 1, 1)), "weights", np.float32)
    model = onnx.load_model_from_string(graph(nodes, [weights], [1, 3, 64, 64]))
    onnx.save(
        model, tmp_path / "x.onnx", save_as_external_data=True, location="w", size_threshold=0
    )
    assert "another file" in refused((tmp_path / "x.onnx").read_bytes())


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"GIF89a and no more", b"\x08\x07"])
def test_what_is_no_network(data: bytes):
    assert refused(data)


@pytest.mark.parametrize(
    ("before", "result", "now", "expected"),
    [
        ((1, 64, 84), (1, 4, 16, 84), (1, 64, 42), (1, 4, 16, 42)),
        ((1, 6, 8, 8), (1, 3, 2, 8, 8), (1, 6, 4, 8), (1, 3, 2, 4, 8)),
        ((1, 6, 8, 8), (1, 6, 64), (1, 6, 4, 8), (1, 6, 32)),
        ((1, 6, 64), (1, 6, 8, 8), (1, 6, 32), (1, 6, 4, 8)),
        ((1, 3, 8, 8, 5), (1, 192, 5), (1, 3, 4, 8, 5), (1, 96, 5)),
        ((1, 64, 5), (4, 16, 5), (1, 32, 5), None),
        ((1, 400, 5), (4, 100, 5), (1, 240, 5), (4, 60, 5)),
        ((7,), (7, 1), (7,), (7, 1)),
        ((1, 8, 8), (8, 8), (1, 4, 8), (4, 8)),
        ((1, 8, 4, 8), (1, 32, 8), (1, 4, 8, 8), None),
    ],
)
def test_reshaped(before: Any, result: Any, now: Any, expected: Any):
    assert reshaped(before, result, now, WIDE) == expected


def centres(layout_size: tuple[int, int], *, scaled: bool) -> np.ndarray:
    """Centres of cells, `(1, 2, cells)`, as v8 has them; `scaled`: in pixels."""
    parts = []
    for stride in (8, 16, 32):
        rows, columns = np.mgrid[: layout_size[1] // stride, : layout_size[0] // stride]
        part = np.stack((columns.ravel(), rows.ravel())) + 0.5
        parts.append(part * stride if scaled else part)
    return np.concatenate(parts, axis=1)[None].astype(np.float32)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("layout", [WIDE, TALL])
def test_centres_are_those_of_the_new_grid(layout: Layout, scaled: bool):
    before, after = (centres(size, scaled=scaled) for size in layout)
    made = regridded(before, (2, before.shape[2], after.shape[2]), layout)
    assert made is not None
    assert np.array_equal(made, after)
    assert made.dtype == np.float32


def test_strides_of_all_levels():
    before = np.array([8] * 64 + [16] * 16 + [32] * 4, np.float32)[None]
    made = regridded(before, (1, 84, 42), WIDE)
    assert made is not None
    assert made.tolist() == [[8] * 32 + [16] * 8 + [32] * 2]


def test_a_grid_that_is_a_little_off_is_none():
    before = centres((64, 64), scaled=True)
    before[0, 1, 40] += 1
    assert regridded(before, (2, 84, 42), WIDE) is None


def test_the_module_is_imported_by_nothing_of_an_event():
    """onnx takes 0.2 s to import, and 40 MB."""
    import subprocess
    import sys

    text = (
        "import sys, zmhook.detectors.yolo.model, zmhook.detectors.yolo.detector, zmhook.decide;"
        f"assert {refit.__name__!r} not in sys.modules; assert 'onnx' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", text], check=True)
