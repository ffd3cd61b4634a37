"""Names of older files: those that still work, those without effect, and those of version 6.

A file with a name without effect is right; `zmhook config check` lists it. One with a name of
version 6 is not, and the message says what to write instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names that the field's documents and older files use, and what they are called here.
ALIASES = {
    "model": "models",
    "model_type": "yolo_type",
    "object_detection_pattern": "detect_pattern",
    "alpr_detection_pattern": "alpr_pattern",
    "frame_set": "frame_id",
    "detection_sequence": "models",
    "object_weights": "weights",
    "object_config": "config",
    "object_labels": "labels",
    "object_min_confidence": "yolo_min_confidence",
    "object_processor": "yolo_processor",
    "alpr_look_at": "alpr_input",
    "gemini_look_at": "gemini_input",
}
SECTION_ALIASES = {"ml": "remote"}
ELSEWHERE = {("general", "gate")}
"""Sections whose keys may also stand in another one, as in older files."""
OLD_SECTIONS = {
    ("yolo", "detect_pattern"),
    ("hog", "detect_pattern"),
    ("face", "face_detection_pattern"),
    ("alpr", "alpr_pattern"),
}
"""Keys of [general] that older files have in the section of a model."""

_NO_LONGER = "no longer used"

# key → why it has no effect
OBSOLETE: dict[str, str] = {
    "pyzm_overrides": f"{_NO_LONGER}: log levels are those of ZoneMinder's options",
    "use_opencv_dnn_cuda": f"{_NO_LONGER}: yolo_processor = gpu in [yolo] asks for the GPU",
    "version": _NO_LONGER,
}

MIGRATE = "zmhook config migrate makes an objectconfig.ini of it"
_SIX = "from a version 6 file;"
_SEQUENCE = (
    f"{_SIX} here models, frame_id and detection_mode and the models' own sections say it: "
    "zmhook config migrate makes a file of that kind"
)
_NOTHING = f"{_SIX} nothing here is like it: remove it"

_ONLY_SIX = ("ml_sequence", "stream_sequence", "use_sequence", "object_framework")


def is_of_version_6(sections: Mapping[str, Mapping[str, str]]) -> bool:
    """Say whether a file is of version 6, which must be converted."""
    return "object" in sections or any(
        key in entries for entries in sections.values() for key in _ONLY_SIX
    )


# key or section → what to write instead
VERSION_6: dict[str, str] = {
    "object": f"{_SIX} here its keys stand in [yolo]",
    "ml_sequence": _SEQUENCE,
    "stream_sequence": _SEQUENCE,
    "use_sequence": _SEQUENCE,
    "object_framework": f"{_SIX} here the weights file tells it: remove it",
    "face_detection_framework": f"{_SIX} here it is face_model in [face]",
    "face_recognition_framework": _NOTHING,
    "face_processor": _NOTHING,
    "disable_locks": _NOTHING,
    "cpu_max_processes": _NOTHING,
    "gpu_max_processes": _NOTHING,
    "tpu_max_processes": _NOTHING,
    "cpu_max_lock_wait": _NOTHING,
    "gpu_max_lock_wait": _NOTHING,
    "tpu_max_lock_wait": _NOTHING,
}
