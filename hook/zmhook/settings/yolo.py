"""`[yolo]`: objects, by a YOLO network."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about


class Yolo(Section, frozen=True, kw_only=True):
    """Objects, found by a YOLO network: an ONNX file or Darknet's .cfg and .weights."""

    yolo_type: Annotated[
        Literal["full", "tiny"],
        about("full uses weights, config and labels; tiny uses the three tiny_ keys."),
    ] = "full"
    weights: Annotated[str, about("ONNX file, or Darknet .weights file.")] = (
        f"{BASE}/models/yolox_s/yolox_s.onnx"
    )
    config: Annotated[str, about("Darknet .cfg file. Empty for ONNX.")] = ""
    labels: Annotated[
        str,
        about(
            "Text file with one label a line. Empty: the labels in the ONNX file, or COCO's 80 "
            "where it has none and knows 80 classes."
        ),
    ] = ""
    tiny_weights: Annotated[str, about("As weights, for yolo_type = tiny.")] = (
        f"{BASE}/models/yolox_nano/yolox_nano.onnx"
    )
    tiny_config: Annotated[str, about("As config, for yolo_type = tiny.")] = ""
    tiny_labels: Annotated[str, about("As labels, for yolo_type = tiny.")] = ""
    yolo_min_confidence: Annotated[
        Fraction, about("An object below this confidence is dropped.")
    ] = 0.3
    yolo_nms_threshold: Annotated[
        Fraction,
        about("Of two boxes of one label that overlap more than this (IoU), the weaker goes."),
    ] = 0.45
    yolo_head: Annotated[
        Literal[
            "auto",
            "yolov5",
            "yolov7-nms",
            "yolov8",
            "yolov10",
            "yolox",
            "yolo-nas",
            "rt-detr",
            "rf-detr",
            "darknet",
        ],
        about(
            "What kind of network it is: how it wants its picture and what its numbers mean. auto "
            "tells by its outputs, and asks for this where two kinds give the same. yolov5 is for "
            "v7, too; yolov8 for v9, v11 and v12; yolov10 for YOLO26 and exports with NMS inside; "
            "yolov7-nms for v7 and v9 with --end2end; rt-detr for D-FINE."
        ),
    ] = "auto"
    yolo_input_size: Annotated[
        int,
        about(
            "Side in pixels of what the network is given, where the file leaves it open (ONNX "
            "with free sizes, Darknet). 0: what an ONNX file says that it was exported for "
            "(imgsz), or else 640; the .cfg's own for Darknet.",
            ge=0,
            le=4096,
        ),
    ] = 0
    yolo_engine: Annotated[
        Literal["onnxruntime", "openvino"],
        about("What runs an ONNX file. openvino has to be installed: zmhook[openvino]."),
    ] = "onnxruntime"
    yolo_precision: Annotated[
        Literal["f32", "bf16"],
        about(
            "What openvino computes in. bf16 is faster on processors that have it, and moves "
            "confidences by a few percent."
        ),
    ] = "f32"
    yolo_processor: Annotated[
        Literal["cpu", "gpu"],
        about("gpu uses CUDA, and falls back to the CPU with a warning when it cannot."),
    ] = "cpu"
    yolo_threads: Annotated[
        int, about("Threads for one picture. 0: one a core, at most 4.", ge=0, le=256)
    ] = 0
