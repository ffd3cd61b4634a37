"""`[yolo]`: objects, by a YOLO network."""

from typing import Annotated, Literal

from zmhook.settings.section import BASE, Fraction, Section, about


class Yolo(Section, frozen=True, kw_only=True):
    """Objects, found by a YOLO network: an ONNX file, or Darknet's .cfg and .weights."""

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
            "Text file with one label per line. Empty: the labels in the ONNX file, or "
            "COCO's 80 if it has none and 80 classes."
        ),
    ] = ""
    tiny_weights: Annotated[str, about("Like weights, for yolo_type = tiny.")] = (
        f"{BASE}/models/yolox_nano/yolox_nano.onnx"
    )
    tiny_config: Annotated[str, about("Like config, for yolo_type = tiny.")] = ""
    tiny_labels: Annotated[str, about("Like labels, for yolo_type = tiny.")] = ""
    yolo_min_confidence: Annotated[Fraction, about("Minimum confidence of an object.")] = 0.3
    yolo_nms_threshold: Annotated[
        Fraction,
        about(
            "Of two boxes of one label that overlap more than this (IoU), the one with less"
            " confidence is removed."
        ),
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
            "Kind of network, which determines its input and the meaning of its outputs. "
            "auto reads it from the outputs; if they are ambiguous, an error asks for this "
            "key. yolov5 is also for v7; yolov8 for v9, v11 and v12; yolov10 for YOLO26 and"
            " exports with NMS inside; yolov7-nms for v7 and v9 with --end2end; rt-detr for"
            " D-FINE."
        ),
    ] = "auto"
    yolo_input_size: Annotated[
        int,
        about(
            "Input size in pixels, if the file leaves it open (ONNX with free sizes, "
            "Darknet). 0: for ONNX the size in its metadata (imgsz), otherwise 640; for "
            "Darknet the size in the .cfg.",
            ge=0,
            le=4096,
        ),
    ] = 0
    yolo_fit: Annotated[
        bool,
        about(
            "Run the network on an input of the picture's aspect (16:9, 4:3, upright, ultra "
            "wide) instead of padding the picture to a square: up to 40 % less time. Only "
            "where a fitted network is ready; zmhook models fit and the background service "
            "make them (ONNX, part fit)."
        ),
    ] = False
    yolo_engine: Annotated[
        Literal["onnxruntime", "openvino"],
        about("Inference engine for ONNX files. openvino must be installed (part openvino)."),
    ] = "onnxruntime"
    yolo_precision: Annotated[
        Literal["f32", "bf16"],
        about(
            "Precision of openvino. bf16 is faster on CPUs that support it, and changes "
            "confidences by a few percent."
        ),
    ] = "f32"
    yolo_processor: Annotated[
        Literal["cpu", "gpu"],
        about("gpu uses CUDA, and falls back to the CPU with a warning."),
    ] = "cpu"
    yolo_threads: Annotated[
        int, about("Threads for one frame. 0: one per core, at most 4.", ge=0, le=256)
    ] = 0
