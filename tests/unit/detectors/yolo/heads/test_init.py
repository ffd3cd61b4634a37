"""Which head reads which shape, and what is said about shapes that none reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from zmhook.detectors.yolo.engines.base import Network
from zmhook.detectors.yolo.files import ModelFile, ModelFiles
from zmhook.detectors.yolo.heads import recognise
from zmhook.errors import ModelFileError

FILES = ModelFiles(ModelFile("weights", Path("net.onnx")), None, None, "[yolo] labels")


def onnx(*outputs: tuple[int, ...], size=(640, 640), names: int = 0, **metadata: str) -> Network:
    if names:
        metadata["names"] = str([f"thing {i}" for i in range(names)])
    return Network("onnx", *size, outputs=outputs, metadata=metadata)


@pytest.mark.parametrize(
    ("network", "head", "labels"),
    [
        (onnx((1, 84, 8400)), "YOLOv8/v11", 80),
        (onnx((1, 8400, 84)), "YOLOv8/v11", 80),
        (onnx((1, 84, 3549), size=(416, 416)), "YOLOv8/v11", 80),
        (onnx((1, 84, 34000), size=(1280, 1280)), "YOLOv8/v11", 80),
        (onnx((1, 84, 5040), size=(640, 384)), "YOLOv8/v11", 80),
        (onnx((1, 84, 2000)), "YOLOv8/v11", 80),
        (onnx((1, 6, 8400), names=2), "YOLOv8/v11", 2),
        (onnx((1, 8400, 85)), "YOLOX", 80),
        (onnx((1, 3549, 85), size=(416, 416)), "YOLOX", 80),
        (onnx((1, 25200, 85)), "YOLOv5/v7", 80),
        (onnx((1, 102000, 85), size=(1280, 1280)), "YOLOv5/v7", 80),
        (
            onnx((1, 25200, 85), (1, 3, 80, 80, 85), (1, 3, 40, 40, 85), (1, 3, 20, 20, 85)),
            "YOLOv5/v7",
            80,
        ),
        (onnx((1, 300, 6), names=80), "end-to-end YOLO", 80),
        (onnx((1, 300, 6), names=3), "end-to-end YOLO", 3),
        (onnx((0, 7), names=1), "end-to-end YOLO with NMS", 1),
        (onnx((12, 7), names=80), "end-to-end YOLO with NMS", 80),
        # The same shape can be read in two ways; the number of labels decides.
        (onnx((1, 8400, 85), names=81), "YOLOv8/v11", 81),
        (onnx((1, 8400, 6), names=1), "YOLOX", 1),
        (onnx((1, 8400, 6), names=2), "YOLOv8/v11", 2),
        (onnx((1, 25200, 6), names=1), "YOLOv5/v7", 1),
        (Network("darknet", 320, 320, ((-1, 85), (-1, 85))), "Darknet YOLO", 80),
    ],
)
def test_heads_are_told_apart(network, head, labels):
    found, names = recognise(network, FILES)
    assert (found.name, len(names)) == (head, labels)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [(1, 1000)],
        [(1, 84, 8401)],
        [(2, 84, 8400)],
        [(1, 4, 8400)],
        [(1, 116, 8400), (1, 32, 160, 160)],
        [(100, 8)],
        [(1, 6400, 1), (1, 1600, 1), (1, 400, 1)],
        [(1, 3, 80, 80, 85), (1, 3, 40, 40, 85), (1, 3, 20, 20, 85)],
    ],
)
def test_other_shapes_are_refused_with_what_was_found_and_what_is_understood(outputs):
    with pytest.raises(ModelFileError) as caught:
        recognise(onnx(*outputs), FILES)
    said = str(caught.value)
    for shape in outputs:
        assert " x ".join(map(str, shape)) in said
    assert said.startswith("[yolo] weights: net.onnx is no YOLO network that is understood")
    for understood in (
        "640x640",
        "1 x (4 + classes) x cells (YOLOv8/v11)",
        "1 x boxes x 6",
        "YOLOX",
    ):
        assert understood in said


def test_a_darknet_network_whose_scales_differ_is_refused():
    with pytest.raises(ModelFileError, match="no YOLO network that is understood"):
        recognise(Network("darknet", 320, 320, ((-1, 85), (-1, 25))), FILES)


def test_another_task_is_refused():
    with pytest.raises(ModelFileError, match="for the task 'segment'; only 'detect'"):
        recognise(onnx((1, 116, 8400), task="segment"), FILES)


def test_too_few_labels_are_refused_with_both_counts(tmp_path):
    (tmp_path / "names").write_text("cat\ndog\n")
    files = FILES._replace(labels=ModelFile("labels", tmp_path / "names"))
    with pytest.raises(ModelFileError) as caught:
        recognise(onnx((1, 84, 8400)), files)
    assert str(caught.value) == (
        f"[yolo] labels: {tmp_path / 'names'}: 2 labels, but the network has 80 classes"
    )


def test_wrong_labels_inside_the_network_are_refused():
    with pytest.raises(
        ModelFileError, match=r"inside net\.onnx: 79 labels, .* has 82 or 81 classes"
    ):
        recognise(onnx((1, 8400, 86), names=79), FILES)


@pytest.mark.parametrize("shape", [(1, 12, 8400), (1, 300, 6), (5, 7)])
def test_labels_that_nobody_knows_are_asked_for(shape):
    with pytest.raises(
        ModelFileError,
        match=r"does not say what its (8 )?classes .* one label a line in \[yolo\] labels",
    ):
        recognise(onnx(shape), FILES)
