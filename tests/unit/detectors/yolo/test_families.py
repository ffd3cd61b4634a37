"""Whole networks of the other families, made here: what they are given and what they mean.

Each is run by both engines, which must say the same.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from zmhook.detection import Box
from zmhook.errors import ModelFileError
from zmhook.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

onnx = pytest.importorskip("onnx")

THREE = {"names": "['person', 'car', 'dog']"}
TWO = {"names": "['cat', 'dog']"}
FLAT, BATCH = "graph2_flat_predictions", "graph2_"
ROLES = ("num_predictions", "pred_boxes", "pred_scores", "pred_classes")
SIZE = {"orig_target_sizes": [1, 2]}


@pytest.fixture(params=["onnxruntime", "openvino"])
def engine(request: pytest.FixtureRequest) -> str:
    if not find_spec(request.param):
        pytest.skip(f"optional: {request.param} is not installed")
    return str(request.param)


@pytest.fixture
def see(yolo: Callable[..., Any], engine: str, tmp_path: Path) -> Callable[..., list[Any]]:
    """What a network finds in a picture; `labels` is how many it is given."""

    def look(
        weights: Path, picture: np.ndarray, labels: tuple[str, ...] = (), **settings: Any
    ) -> list[Any]:
        if labels:
            settings["labels"] = tmp_path / "labels.txt"
            settings["labels"].write_text("\n".join(labels))
        detector = yolo(weights, yolo_engine=engine, **settings)
        return detector.detect([Frame(image=picture, id="snapshot", origin="made")])[0]

    return look


def grey(width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def told(found: list[Any]) -> list[tuple[str, float, Box]]:
    return [(one.label, pytest.approx(one.confidence, abs=1e-3), one.box) for one in found]


def logits(rows: int, classes: int, **scores: float) -> np.ndarray:
    """Logits of almost nothing, but for `r0c1=0.9`: row 0 is class 1 with that score."""
    made = np.full((1, rows, classes), -9.0)
    for place, score in scores.items():
        row, column = place[1:].split("c")
        made[0, int(row), int(column)] = np.log(score / (1 - score))
    return made


# YOLO-NAS


@pytest.mark.parametrize("takes", ["", "UINT8"])
def test_yolo_nas_flat(see, network, takes):
    rows = np.array([[0, 16, 24, 48, 56, 0.9, 0], [0, 0, 8, 64, 56, 0.5, 2]])
    weights = network(rows, names=[FLAT], metadata=THREE, takes=takes)
    # 64x48 lies in the middle of 64x64, 8 pixels from the top.
    assert told(see(weights, grey())) == [
        ("person", 0.9, Box(16, 16, 48, 48)),
        ("dog", 0.5, Box(0, 0, 64, 48)),
    ]


def test_yolo_nas_that_finds_nothing(see, network):
    assert see(network(np.zeros((0, 7)), names=[FLAT], metadata=THREE), grey()) == []


def test_yolo_nas_in_batches_tells_how_many_rows_count(see, network):
    boxes = np.full((1, 20, 4), -1.0)
    boxes[0, :3] = [(16, 24, 48, 56), (0, 8, 64, 56), (0, 8, 9, 20)]
    scores, classes = np.full((1, 20), -1.0), np.full((1, 20), -1.0)
    scores[0, :3], classes[0, :3] = (0.9, 0.6, 0.8), (1, 2, 0)
    outputs = np.array([[2]]), boxes, scores, classes
    weights = network(*outputs, names=[BATCH + one for one in ROLES], metadata=THREE)
    assert told(see(weights, grey())) == [
        ("car", 0.9, Box(16, 16, 48, 48)),
        ("dog", 0.6, Box(0, 0, 64, 48)),
    ]


def test_yolo_nas_in_batches_is_read_by_names_not_by_order(see, network):
    outputs = {
        "pred_classes": np.array([[1.0, -1]]),
        "pred_scores": np.array([[0.9, -1]]),
        "num_predictions": np.array([[1.0]]),
        "pred_boxes": np.array([[(16, 24, 48, 56), (-1, -1, -1, -1)]]),
    }
    weights = network(*outputs.values(), names=list(outputs), metadata=THREE)
    assert told(see(weights, grey())) == [("car", 0.9, Box(16, 16, 48, 48))]


def test_yolo_nas_without_its_last_step_needs_suppression(see, network):
    boxes, scores = np.zeros((1, 84, 4)), np.zeros((1, 84, 3))
    boxes[0, 4:6] = [(16, 24, 48, 56), (17, 24, 48, 56)]
    scores[0, 4:6, 1] = 0.9, 0.8
    names = ["pre_nms_bboxes_xyxy", "pre_nms_scores"]
    weights = network(boxes, scores, names=names, metadata=THREE)
    assert told(see(weights, grey())) == [("car", 0.9, Box(16, 16, 48, 48))]


@pytest.mark.parametrize("row", [(0, 16, 24, 48, 56, 0.9, 0), (0, 16, 24, 48, 56, 0.9, 2)])
@pytest.mark.parametrize("name", ["output", "detections"])
def test_seven_columns_under_another_name_are_told_by_what_is_in_them(see, network, name, row):
    """Read as YOLOv7's, a person is nothing and a car is sure: never in silence."""
    weights = network(np.array([row]), names=[name], metadata=THREE)
    if name == "output":  # as YOLOv7's exporter calls it
        with pytest.raises(ModelFileError, match=r"yolo_head: .*yolov7-nms.* box, class and score"):
            see(weights, grey())
    else:
        assert told(see(weights, grey())) == [
            (["person", 0, "dog"][row[6]], 0.9, Box(16, 16, 48, 48))
        ]
    found = see(weights, grey(), yolo_head="yolo-nas")
    assert [one.confidence for one in found] == [pytest.approx(0.9)]


def test_seven_columns_that_say_nothing_are_refused(see, network):
    weights = network(np.zeros((0, 7)), names=["detections"], metadata=THREE)
    with pytest.raises(ModelFileError, match=r"set \[yolo\] yolo_head = yolov7-nms or yolo-nas"):
        see(weights, grey())
    assert see(weights, grey(), yolo_head="yolov7-nms") == []


def test_flat_under_its_name_with_yolov7s_columns_is_refused(see, network):
    rows = np.array([[0, 16, 24, 48, 56, 2, 0.9]])
    with pytest.raises(ModelFileError, match=r"yolo_head: .*yolo-nas.* box, score and class"):
        see(network(rows, names=[FLAT], metadata=THREE), grey())


# RT-DETR, D-FINE


def rt_detr(written: Callable[..., Path], *, dynamic: bool = False) -> Path:
    """A network with the last step of RT-DETR's exporter: boxes times the size it is asked for."""
    node, values = onnx.helper.make_node, onnx.numpy_helper.from_array
    kinds, info = onnx.TensorProto, onnx.helper.make_tensor_value_info
    shares = np.array([[(0.25, 0.5, 0.75, 1), (0, 0, 1, 1), (0, 0, 0.5, 0.5)]], np.float32)
    nodes = [
        node("Cast", ["orig_target_sizes"], ["floats"], to=kinds.FLOAT),
        node("Concat", ["floats", "floats"], ["twice"], axis=1),
        node("Unsqueeze", ["twice", "axis"], ["sides"]),
        node("Mul", ["shares", "sides"], ["boxes"]),
        node("Identity", ["classes"], ["labels"]),
        node("Identity", ["sure"], ["scores"]),
    ]
    batch: Any = "N" if dynamic else 1
    graph = onnx.helper.make_graph(
        nodes,
        "rt_detr",
        [
            info("images", kinds.FLOAT, [batch, 3, 64, 64]),
            info("orig_target_sizes", kinds.INT64, [batch, 2]),
        ],
        [
            info("labels", kinds.INT64, [1, 3]),
            info("boxes", kinds.FLOAT, [batch, 3, 4]),
            info("scores", kinds.FLOAT, [1, 3]),
        ],
        [
            values(np.array([1], np.int64), "axis"),
            values(shares, "shares"),
            values(np.array([[2, 0, 1]], np.int64), "classes"),
            values(np.array([[0.9, 0.5, 0.05]], np.float32), "sure"),
        ],
    )
    return written(graph)


@pytest.mark.parametrize("dynamic", [False, True])
def test_rt_detr_and_d_fine_as_they_are_exported(see, written, dynamic):
    weights = rt_detr(written, dynamic=dynamic)
    found = see(weights, grey(128, 48), labels=("person", "car", "dog"))
    # The picture is stretched over the input, so shares of one are shares of the other.
    assert told(found) == [("dog", 0.9, Box(32, 24, 96, 48)), ("person", 0.5, Box(0, 0, 128, 48))]


def test_d_fine_has_to_be_told_its_labels(see, written):
    with pytest.raises(ModelFileError, match=r"what its classes are called; .*\[yolo\] labels"):
        see(rt_detr(written), grey())


@pytest.mark.parametrize("names", [("pred_logits", "pred_boxes"), ("pred_boxes", "pred_logits")])
def test_rt_detr_without_its_last_step(see, network, names):
    outputs = {
        "pred_logits": logits(300, 3, r5c1=0.9, r7c2=0.6, r7c0=0.3),
        "pred_boxes": np.full((1, 300, 4), 0.5),
    }
    weights = network(*(outputs[one] for one in names), names=names, metadata=THREE)
    box = Box(32, 12, 96, 36)  # centre and size, each half of 128x48
    found = see(weights, grey(128, 48))
    assert told(found) == [("car", 0.9, box), ("dog", 0.6, box), ("person", 0.3, box)]


def test_rt_detr_with_as_many_classes_as_a_box_has_sides(see, network):
    labels = ("a", "b", "c", "d")
    shares = np.full((1, 300, 4), 0.5)
    weights = network(logits(300, 4, r0c3=0.9), shares, names=["pred_logits", "pred_boxes"])
    assert told(see(weights, grey(), labels=labels)) == [("d", 0.9, Box(16, 12, 48, 36))]


def test_ultralytics_rt_detr(see, network):
    made = np.zeros((1, 300, 4 + 3))
    made[0, 9] = (0.5, 0.5, 0.5, 0.5, 0.1, 0.2, 0.8)
    weights = network(made, metadata=THREE | {"task": "detect", "description": "rtdetr-l"})
    assert told(see(weights, grey(128, 48))) == [
        ("dog", 0.8, Box(32, 12, 96, 36)),
    ]


def test_six_columns_of_two_classes_are_told_by_what_is_in_them(see, network):
    rt, v10 = np.zeros((1, 300, 6)), np.zeros((1, 300, 6))
    rt[0] = (0.5, 0.5, 0.5, 0.5, 0.1, 0.8)
    v10[0, :2] = [(16, 24, 48, 56, 0.9, 1), (16, 24, 48, 56, 0.01, 0)]
    found = see(network(rt, metadata=TWO), grey(128, 48))
    assert {told([one])[0][::2] for one in found} == {("dog", Box(32, 12, 96, 36))}
    assert told(see(network(v10, metadata=TWO), grey())) == [("dog", 0.9, Box(16, 16, 48, 48))]


def test_six_columns_that_say_nothing_are_refused(see, network):
    weights = network(np.zeros((1, 300, 6)), metadata=TWO)
    with pytest.raises(ModelFileError, match=r"set \[yolo\] yolo_head = yolov10 or rt-detr"):
        see(weights, grey())
    assert see(weights, grey(), yolo_head="rt-detr") == []


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ((np.full((1, 300, 3), 0.5), np.full((1, 300, 4), 0.5)), "between 0 and 1, as scores do"),
        ((logits(300, 3, r0c0=0.9), np.full((1, 300, 4), 32.0)), "not in shares of the picture"),
    ],
)
def test_values_that_such_a_network_cannot_give_are_refused(see, network, outputs, says):
    weights = network(*outputs, names=["pred_logits", "pred_boxes"], metadata=THREE)
    with pytest.raises(ModelFileError, match=rf"yolo_head: .*RT-DETR.*{says}"):
        see(weights, grey())


# RF-DETR


def test_rf_detr_numbers_coco_as_its_files_do(see, network):
    made = logits(300, 91, r0c1=0.9, r1c17=0.8, r2c90=0.7, r3c0=0.99, r4c12=0.99)
    weights = network(np.full((1, 300, 4), 0.5), made, names=["dets", "labels"])
    box = Box(32, 12, 96, 36)
    assert told(see(weights, grey(128, 48))) == [
        ("person", 0.9, box),
        ("cat", 0.8, box),
        ("toothbrush", 0.7, box),
    ]


def test_rf_detr_with_labels_of_its_own_has_one_class_more(see, network):
    made = logits(300, 4, r0c1=0.9, r1c3=0.99)  # the last is no thing
    weights = network(np.full((1, 300, 4), 0.5), made, names=["dets", "labels"])
    found = see(weights, grey(), labels=("person", "car", "dog"))
    assert told(found) == [("car", 0.9, Box(16, 12, 48, 36))]


# What they are given


def shows(
    written: Callable[..., Path], channel: int, *, names: tuple[str, str], classes: int, takes: str
) -> Path:
    """A network with one box, whose logit is the mean of one channel of its input."""
    node, values = onnx.helper.make_node, onnx.numpy_helper.from_array
    kinds, info = onnx.TensorProto, onnx.helper.make_tensor_value_info
    rest = np.full((1, 1, 2), -9, np.float32)
    nodes = [
        node("Cast", ["images"], ["floats"], to=kinds.FLOAT),
        node("Slice", ["floats", "first", "last", "one"], ["plane"]),
        node("ReduceMean", ["plane"], ["mean"], axes=[1, 2, 3], keepdims=1),
        node("Reshape", ["mean", "shape"], ["score"]),
        node("Concat", ["score", "rest"], ["labels"], axis=2),
        node("Identity", ["box"], ["dets"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "shows",
        [info("images", kinds.FLOAT, [1, 3, 64, 64])],
        [
            info("dets", kinds.FLOAT, [1, 1, 4]),
            info("labels", kinds.FLOAT, [1, 1, 3]),
        ],
        [
            values(np.array([channel], np.int64), "first"),
            values(np.array([channel + 1], np.int64), "last"),
            values(np.array([1], np.int64), "one"),
            values(np.array([1, 1, 1], np.int64), "shape"),
            values(rest, "rest"),
            values(np.full((1, 1, 4), 0.5, np.float32), "box"),
        ],
    )
    return written(graph)


COLOURS = np.full((48, 128, 3), (10, 100, 200), np.uint8)


@pytest.mark.parametrize(("channel", "value"), [(0, 200), (1, 100), (2, 10)])
@pytest.mark.parametrize("family", ["rt-detr", "rf-detr"])
def test_each_family_sees_its_own_colours(see, written, family, channel, value):
    mean, std = (0.485, 0.456, 0.406)[channel], (0.229, 0.224, 0.225)[channel]
    share = value / 255 if family == "rt-detr" else (value / 255 - mean) / std
    weights = shows(written, channel, names=("dets", "labels"), classes=3, takes="FLOAT")
    found = see(
        weights,
        COLOURS,
        labels=("a", "b", "c") if family == "rt-detr" else ("a", "b"),
        yolo_head=family,
        yolo_min_confidence=0.001,
    )
    seen = next(one.confidence for one in found if one.label == "a")
    assert seen == pytest.approx(1 / (1 + np.exp(-share)), abs=1e-4)


# A size that the file leaves open


@pytest.mark.parametrize(
    ("imgsz", "setting", "size"),
    [
        ("[96, 128]", 0, "128x96"),
        ("[320, 320]", 0, "320x320"),
        ("96", 0, "96x96"),
        ("[96, 128]", 64, "64x64"),
        ("", 0, "640x640"),
        ("[100, 100]", 0, "640x640"),
        ("[96, 128, 3]", 0, "640x640"),
        ("__import__('os')", 0, "640x640"),
    ],
)
def test_what_a_network_was_exported_for_is_what_it_is_given(
    yolo, open_network, engine, caplog, imgsz, setting, size
):
    caplog.set_level("INFO")
    made = onnx.load(str(open_network))
    onnx.helper.set_model_props(made, {"names": "['cat', 'dog']", "imgsz": imgsz})
    open_network.write_bytes(made.SerializeToString())
    yolo(open_network, yolo_engine=engine, yolo_input_size=setting)
    assert f"network for {size} with" in caplog.records[-1].message
    refused = imgsz not in ("", "96") and size == "640x640"
    assert any("imgsz" in record.message for record in caplog.records) == refused


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        ((np.tile([0.1, 0.1, 0.5, 0.5, 0.9, 1], (1, 300, 1)),), ["output0"]),
        ((np.array([[0, 0.1, 0.1, 0.5, 0.5, 1, 0.9]]),), ["output"]),
        ((np.array([[0, 0.1, 0.1, 0.5, 0.5, 0.9, 1]]),), [FLAT]),
        (
            (np.ones((1, 1)), np.full((1, 1, 4), 0.5), np.full((1, 1), 0.9), np.ones((1, 1))),
            list(ROLES),
        ),
    ],
)
def test_boxes_that_are_not_in_pixels_are_refused(see, network, outputs, names):
    weights = network(*outputs, names=names, metadata=THREE)
    with pytest.raises(ModelFileError, match=r"yolo_head: .* but its boxes are not in pixels"):
        see(weights, grey())


CROSSED = [250, 250, 50, 60]  # centre, width and height


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        ((np.tile([*CROSSED, 0.9, 1], (1, 300, 1)),), ["output0"]),
        ((np.array([[0, *CROSSED, 1, 0.9]]),), ["output"]),
        ((np.array([[0, *CROSSED, 0.9, 1]]),), [FLAT]),
        (
            (np.ones((1, 1)), np.array([[CROSSED]]), np.full((1, 1), 0.9), np.ones((1, 1))),
            list(ROLES),
        ),
        (
            (np.array([[CROSSED]]), np.full((1, 1, 3), 0.9)),
            ["pre_nms_bboxes_xyxy", "pre_nms_scores"],
        ),
    ],
)
def test_boxes_that_end_before_they_begin_are_refused(see, network, outputs, names):
    weights = network(*outputs, names=names, metadata=THREE)
    what = r"yolo_head: .* but its boxes are not x1, y1, x2, y2: they end before they begin; set "
    with pytest.raises(ModelFileError, match=what):
        see(weights, grey())
