"""Every setting: its section, type, range, default and description.

The reader (`reader.py`) checks files against this, the reference in `docs/` is made from it, and
a test fails when a setting is missing from `objectconfig.ini`. A key's name is unique across the
sections, because `[monitor-N]` may override any of them by name alone.

No `from __future__ import annotations` here: msgspec reads the types as objects, and strings
would have to be evaluated at every start.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from zmhook.settings.values import Colour, Secret, Zone


class Section(Struct, frozen=True, kw_only=True):
    """Base of the sections."""


def about(description: str, **limits: float) -> Meta:
    return Meta(description=description, **limits)  # type: ignore[arg-type]


def pattern(description: str) -> Meta:
    """A regular expression: checked when the configuration is read."""
    return Meta(description=description, extra={"is": "pattern"})


Fraction = Annotated[float, Meta(ge=0, le=1)]
FrameId = Annotated[str, Meta(pattern="^(snapshot|alarm|bestmatch|[0-9]+)$")]


class General(Section, frozen=True, kw_only=True):
    """`[general]`: where things are, which models run, what the answer looks like."""

    secrets: Annotated[str, about("File with a [secrets] section; a value !TOKEN is looked up there.")] = ""
    base_data_path: Annotated[str, about("Folder of everything we store; usable elsewhere as {{base_data_path}}.")] = "/var/lib/zmeventnotification"
    base_zm_conf_path: Annotated[str, about("Folder of ZoneMinder's own zm.conf; its log settings are read from there.")] = "/etc/zm"
    log_path: Annotated[str, about("Folder of our log where there is no ZoneMinder to log through.")] = "{{base_data_path}}/logs"

    portal: Annotated[str, about("Address of ZoneMinder's web page, such as https://zm.example.org/zm. Empty: no portal, pictures come from the event folder.")] = ""
    api_portal: Annotated[str, about("Address of ZoneMinder's API. Empty: <portal>/api.")] = ""
    user: Annotated[str, about("ZoneMinder user. Empty when ZoneMinder runs without authentication.")] = ""
    password: Annotated[Secret, about("Password of that user; best given as !TOKEN.")] = Secret()
    basic_user: Annotated[str, about("User of HTTP basic authentication in front of ZoneMinder, if any.")] = ""
    basic_password: Annotated[Secret, about("Password of HTTP basic authentication.")] = Secret()
    allow_self_signed: Annotated[bool, about("Accept a portal certificate that cannot be verified.")] = True

    models: Annotated[tuple[str, ...], about("The chain: the models that look at a picture, in this order.")] = ("yolo",)
    detection_mode: Annotated[Literal["all", "first", "most", "most_unique"], about("all: every model runs, the first frame with a detection answers. first: the chain stops at the first model that keeps something. most: the frame with the most detections answers. most_unique: the frame with the most different labels.")] = "all"
    detect_pattern: Annotated[str, pattern("Regular expression that an object's label must match (at its beginning).")] = ".*"
    face_detection_pattern: Annotated[str, pattern("The same for the names of faces.")] = ".*"
    on_failure: Annotated[Literal["silence", "alarm"], about("What to answer when no decision could be made. silence: nothing, exit 2. alarm: an alarm whose line says so.")] = "silence"
    event_deadline: Annotated[float, about("Seconds that one event may take in all.", gt=0, le=3600)] = 30.0

    frame_id: Annotated[tuple[FrameId, ...], about("snapshot, alarm, a frame number, bestmatch (alarm and snapshot), or a list of them.", min_length=1)] = ("bestmatch",)
    bestmatch_order: Annotated[tuple[Literal["a", "s"], ...], about("Which picture bestmatch looks at first: a is alarm, s is snapshot.", min_length=1)] = ("a", "s")
    prefer_event_folder: Annotated[bool, about("Read pictures straight from the event's folder when it is readable here; the portal is asked only for what is not there.")] = True
    wait: Annotated[float, about("Seconds to wait before the first picture is fetched.", ge=0, le=300)] = 0.0
    max_attempts: Annotated[int, about("How often one picture is asked for before giving up.", ge=1, le=100)] = 5
    sleep_between_attempts: Annotated[float, about("Seconds between two attempts.", ge=0, le=60)] = 1.0
    portal_timeout: Annotated[float, about("Seconds that one request to the portal may take.", gt=0, le=120)] = 10.0
    max_picture_pixels: Annotated[int, about("A picture with more pixels is refused before it is decoded.", ge=1)] = 50_000_000
    resize: Annotated[int | None, about("Width in pixels that a wider picture is reduced to before the models see it, or no. Boxes always speak of the original.", ge=32)] = None
    image_path: Annotated[str, about("Folder of the pictures that are kept.")] = "{{base_data_path}}/images"
    delete_after_analyze: Annotated[bool, about("no keeps each fetched picture in image_path.")] = True

    show_percent: Annotated[bool, about("Write person:97% rather than person.")] = True
    show_models: Annotated[bool, about("Write (yolo) before the label.")] = False
    show_frame_match_type: Annotated[bool, about("Begin the line with [s] (snapshot), [a] (alarm) or [x] (another frame).")] = True
    json_format: Annotated[Literal["v6", "v5"], about("Form of the JSON after --SPLIT--: v6 an object of lists, v5 a list of objects.")] = "v6"

    write_image_to_zm: Annotated[bool, about("Write objdetect.jpg and objects.json into the event's folder.")] = True
    write_debug_image: Annotated[bool, about("Write <eid>-<frame>-debug.jpg into image_path, with what was dropped and the zones drawn too.")] = False
    poly_color: Annotated[Colour, about("Colour of zones in pictures: (blue,green,red).")] = Colour(127, 140, 141)
    poly_thickness: Annotated[int, about("Line width of zones in pixels.", ge=1, le=50)] = 2


class Yolo(Section, frozen=True, kw_only=True):
    """`[yolo]`: objects, by a YOLO network."""

    yolo_type: Annotated[Literal["full", "tiny"], about("full uses weights, config and labels; tiny uses the tiny_ ones.")] = "full"
    weights: Annotated[str, about("ONNX file, or Darknet .weights file.")] = "{{base_data_path}}/models/yolox_s/yolox_s.onnx"
    config: Annotated[str, about("Darknet .cfg file; empty for ONNX.")] = ""
    labels: Annotated[str, about("Text file with one label a line. Empty: the labels in the ONNX file, or COCO's 80 where it has none and 80 classes.")] = ""
    tiny_weights: Annotated[str, about("As weights, for yolo_type = tiny.")] = "{{base_data_path}}/models/yolox_nano/yolox_nano.onnx"
    tiny_config: Annotated[str, about("As config, for yolo_type = tiny.")] = ""
    tiny_labels: Annotated[str, about("As labels, for yolo_type = tiny.")] = ""
    yolo_min_confidence: Annotated[Fraction, about("An object below this confidence is dropped.")] = 0.3
    yolo_nms_threshold: Annotated[Fraction, about("Of two boxes of one label that overlap more than this (IoU), the weaker goes.")] = 0.45
    yolo_input_size: Annotated[int, about("Side in pixels of what the network is given, where the file leaves it open (ONNX with free sizes, Darknet); 0: 640 for ONNX, the .cfg's own for Darknet.", ge=0, le=4096)] = 0
    yolo_processor: Annotated[Literal["cpu", "gpu"], about("gpu uses CUDA and falls back to the CPU, with a warning, when it cannot.")] = "cpu"
    yolo_threads: Annotated[int, about("Threads for one picture; 0: one per core, at most 4.", ge=0, le=256)] = 0


class Hog(Section, frozen=True, kw_only=True):
    """`[hog]`: people, by OpenCV's built-in detector; needs no model file."""

    stride: Annotated[tuple[int, int], about("Step of the search window in pixels (x,y).")] = (4, 4)
    padding: Annotated[tuple[int, int], about("Padding around the window in pixels (x,y).")] = (8, 8)
    scale: Annotated[float, about("Factor between two sizes of the search.", gt=1, le=2)] = 1.05
    mean_shift: Annotated[int, about("1 groups boxes by mean shift; -1 by overlap.", ge=-1, le=1)] = -1
    hog_min_confidence: Annotated[Fraction, about("A person below this confidence is dropped.")] = 0.6
    hog_nms_threshold: Annotated[Fraction, about("Of two boxes that overlap more than this (IoU), the weaker goes.")] = 0.45


class Face(Section, frozen=True, kw_only=True):
    """`[face]`: finding faces and telling whose they are."""

    face_model: Annotated[Literal["hog", "cnn", "yunet"], about("How faces are found in an event's picture: hog fast, cnn thorough and slow without a GPU, yunet fast and thorough (needs its file, see face_yunet_model).")] = "hog"
    face_train_model: Annotated[Literal["hog", "cnn", "yunet"], about("The same, in the pictures of known people.")] = "hog"
    face_yunet_model: Annotated[str, about("YuNet's ONNX file.")] = "{{base_data_path}}/models/yunet/face_detection_yunet_2023mar.onnx"
    face_min_confidence: Annotated[Fraction, about("With yunet, a face found with less confidence is not looked at.")] = 0.7
    face_upsample_times: Annotated[int, about("hog and cnn: how often the picture is doubled to find small faces.", ge=0, le=3)] = 1
    face_num_jitters: Annotated[int, about("How many slightly changed copies of a face are encoded and averaged; 0 and 1: just the face.", ge=0, le=100)] = 0
    face_max_size: Annotated[int, about("Longest side in pixels that a picture is reduced to before faces are searched (cnn: half of it, since it needs about 1 GB for each megapixel after upsampling).", ge=160, le=8000)] = 1600
    face_recog_dist_threshold: Annotated[float, about("A face at most this far from a known one is that person. Smaller is stricter.", gt=0, le=2)] = 0.6
    face_recog_knn_algo: Annotated[str, about("Accepted from older files; every known face is compared exactly, in less time than the trees took.")] = "ball_tree"
    known_images_path: Annotated[str, about("Folder with one folder of pictures per known person.")] = "{{base_data_path}}/known_faces"
    unknown_images_path: Annotated[str, about("Folder where the faces of strangers are kept.")] = "{{base_data_path}}/unknown_faces"
    unknown_face_name: Annotated[str, about("Label of a face that nobody known is near to.")] = "unknown face"
    save_unknown_faces: Annotated[bool, about("Keep the faces of strangers in unknown_images_path.")] = True
    save_unknown_faces_leeway_pixels: Annotated[int, about("Pixels kept around such a face.", ge=0, le=10_000)] = 50
    unknown_faces_max_files: Annotated[int, about("The oldest of them are removed above this number.", ge=1)] = 2000


class Settings(Struct, frozen=True, kw_only=True):
    """All settings that hold for one monitor (or for none)."""

    general: General = General()
    yolo: Yolo = Yolo()
    hog: Hog = Hog()
    face: Face = Face()
    zones: tuple[Zone, ...] = ()


SECTIONS: dict[str, type[Section]] = {"general": General, "yolo": Yolo, "hog": Hog, "face": Face}

# Names that the field's documents and older files use, and what they are called here.
ALIASES = {
    "model": "models",
    "model_type": "yolo_type",
    "object_detection_pattern": "detect_pattern",
    "object_weights": "weights",
    "object_config": "config",
    "object_labels": "labels",
    "object_min_confidence": "yolo_min_confidence",
    "object_processor": "yolo_processor",
}
