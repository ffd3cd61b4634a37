"""Which head reads which shape, and what is said about shapes that none reads."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from zmhook.detectors.model_files import ModelFile, ModelFiles
from zmhook.detectors.yolo.engines.base import Network
from zmhook.detectors.yolo.heads import HEADS, recognise
from zmhook.errors import ModelFileError
from zmhook.labels import COCO, COCO_IDS
from zmhook.settings import Yolo

FILES = ModelFiles(ModelFile("weights", Path("net.onnx")), None, None, "[yolo] labels")


def onnx(
    *outputs: tuple[int, ...],
    size: tuple[int, int] = (640, 640),
    names: int = 0,
    called: str = "",
    asks_size: bool = False,
    **metadata: str,
) -> Network:
    """`names` is how many labels the file has, `called` what its outputs are called."""
    if names:
        metadata["names"] = str([f"thing {i}" for i in range(names)])
    words = tuple(frozenset({word}) for word in called.split())
    return Network("onnx", *size, outputs, metadata, words, asks_size=asks_size)


NAS = "graph2_num_predictions graph2_pred_boxes graph2_pred_scores graph2_pred_classes"
RAW = "RT-DETR/D-FINE without its last step"
E2E = "end-to-end YOLO"


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
        (onnx((0, 7), names=1, called="output"), "end-to-end YOLO with NMS", 1),
        (onnx((12, 7), names=80, stride="32"), "end-to-end YOLO with NMS", 80),
        (onnx((0, 7), names=3, called="graph2_flat_predictions"), "YOLO-NAS", 3),
        (onnx((0, 7), names=3, called="graph2_flat_predictions", stride="32"), "YOLO-NAS", 3),
        (onnx((1, 1), (1, 9, 4), (1, 9), (1, 9), names=3, called=NAS), "YOLO-NAS in batches", 3),
        (
            onnx((1, 8400, 4), (1, 8400, 80), called="pre_nms_bboxes_xyxy pre_nms_scores"),
            "YOLO-NAS without its last step",
            80,
        ),
        (
            onnx((1, 9), (1, 9, 4), (1, 9), names=5, called="labels boxes scores", asks_size=True),
            "RT-DETR/D-FINE",
            5,
        ),
        (onnx((1, 300, 80), (1, 300, 4), called="pred_logits pred_boxes"), RAW, 80),
        (onnx((1, 300, 4), (1, 300, 4), names=4, called="pred_logits pred_boxes"), RAW, 4),
        (onnx((1, 300, 80), (1, 300, 4), called="logits pred_boxes"), RAW, 80),
        (onnx((1, 300, 4), (1, 300, 91), called="dets labels"), "RF-DETR", 80),
        (onnx((1, 300, 4), (1, 300, 91), names=91, called="dets labels"), "RF-DETR", 91),
        (onnx((1, 300, 4), (1, 300, 91), names=90, called="dets labels"), "RF-DETR", 90),
        (onnx((1, 300, 4), (1, 300, 4), names=3, called="dets labels"), "RF-DETR", 3),
        (
            onnx((1, 9, 4), (1, 9, 3), (1, 9, 16, 16), names=2, called="dets labels masks"),
            "RF-DETR",
            2,
        ),
        (onnx((1, 300, 84)), "Ultralytics RT-DETR", 80),
        (onnx((1, 300, 5), names=1), "Ultralytics RT-DETR", 1),
        (
            onnx((1, 300, 6), names=2, description="Ultralytics rtdetr-l model"),
            "Ultralytics RT-DETR",
            2,
        ),
        (onnx((1, 300, 6), names=2, description="Ultralytics YOLO11n model"), E2E, 2),
        (onnx((1, 300, 6), names=2, end2end="True"), E2E, 2),
        (onnx((1, 300, 6), names=2, args="{'batch': 1, 'nms': True}"), E2E, 2),
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
    ("network", "keys"),
    [
        (onnx((0, 7), names=3), "yolov7-nms or yolo-nas"),
        (onnx((0, 7), names=3, called="detections"), "yolov7-nms or yolo-nas"),
        (onnx((1, 300, 6), names=2), "yolov10 or rt-detr"),
        (onnx((1, 300, 91), (1, 300, 4), called="pred_logits pred_boxes"), "rf-detr"),
        (onnx((1, 300, 91), (1, 300, 4), names=91, called="logits pred_boxes"), "rt-detr or rf-"),
        (onnx((1, 300, 5), (1, 300, 4), names=5, called="logits pred_boxes"), "rt-detr or rf-detr"),
        (onnx((1, 300, 6), (1, 300, 4), names=5, called="pred_logits pred_boxes"), "rf-detr"),
        (onnx((1, 300, 80), (1, 300, 4)), "rt-detr"),
        (onnx((1, 300, 4), (1, 300, 4), names=4, called="a b"), "rt-detr or rf-detr"),
        (onnx((1, 8400, 4), (1, 8400, 80)), "yolo-nas"),
        (onnx((1, 1), (1, 9, 4), (1, 9), (1, 9), names=3), "yolo-nas"),
        (onnx((1, 9), (1, 9, 4), (1, 9), names=5, called="labels boxes scores"), "rt-detr"),
    ],
)
def test_what_may_be_two_things_is_refused_with_the_setting_that_decides(network, keys):
    with pytest.raises(ModelFileError, match=rf"nothing in the file says .*yolo_head = {keys}"):
        recognise(network, FILES)


@pytest.mark.parametrize(
    ("network", "kind", "head"),
    [
        (onnx((0, 7), names=3, called="output"), "yolo-nas", "YOLO-NAS"),
        (onnx((0, 7), names=3, called="graph2_flat_predictions"), "yolov7-nms", f"{E2E} with NMS"),
        (onnx((1, 300, 6), names=2), "rt-detr", "Ultralytics RT-DETR"),
        (onnx((1, 300, 6), names=2), "yolov10", E2E),
        (onnx((1, 300, 6), names=80, size=(320, 192)), "yolov10", E2E),
        (onnx((1, 300, 5), (1, 300, 4), names=5, called="logits pred_boxes"), "rt-detr", RAW),
        (onnx((1, 300, 5), (1, 300, 4), names=4, called="logits pred_boxes"), "rf-detr", "RF-DETR"),
        (onnx((1, 300, 4), (1, 300, 4), names=3, called="a b"), "rf-detr", "RF-DETR"),
        (onnx((1, 8400, 4), (1, 8400, 80)), "yolo-nas", "YOLO-NAS without its last step"),
        (onnx((1, 9), (1, 9, 4), (1, 9), names=5), "rt-detr", "RT-DETR/D-FINE"),
        (onnx((1, 84, 8400)), "yolov8", "YOLOv8/v11"),
        (onnx((1, 8400, 85)), "yolox", "YOLOX"),
    ],
)
def test_the_setting_decides(network, kind, head):
    assert recognise(network, FILES, kind)[0].name == head


def test_a_setting_that_does_not_fit_is_refused_with_what_it_stands_for():
    with pytest.raises(ModelFileError) as caught:
        recognise(onnx((1, 84, 8400)), FILES, "rf-detr")
    said = str(caught.value)
    assert "is no network of the kind rf-detr ([yolo] yolo_head)" in said
    assert said.endswith(
        "understood: dets 1 x boxes x 4, labels 1 x boxes x (1 + classes) (RF-DETR)"
    )


def test_the_setting_has_every_head_and_auto():
    kinds = get_args(get_type_hints(Yolo)["yolo_head"])
    assert set(kinds) == {"auto", *(head.key for head in HEADS)}


def test_the_classes_of_coco_are_found_by_their_own_numbers():
    assert len(COCO) == len(COCO_IDS) == 80
    ids = dict(zip(COCO, COCO_IDS, strict=True))
    assert (ids["person"], ids["stop sign"], ids["cat"], ids["toothbrush"]) == (1, 13, 17, 90)
    assert (ids["backpack"], ids["dining table"], ids["toilet"], ids["book"]) == (27, 67, 70, 84)


@pytest.mark.parametrize(
    "outputs",
    [
        [],
        [()],
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


@pytest.mark.parametrize("shape", [(1, 12, 8400), (1, 300, 6), (5, 7), (1, 300, 9)])
def test_labels_that_nobody_knows_are_asked_for(shape):
    with pytest.raises(
        ModelFileError,
        match=r"does not say what its ([58] )?classes .* one label a line in \[yolo\] labels",
    ):
        recognise(onnx(shape), FILES)
