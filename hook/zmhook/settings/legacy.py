"""Keys of other versions' files: what has no effect here, and what is called otherwise.

A file that holds a key of the first kind is right, and `--check-config` tells about it. One that
holds a key of the second kind is not, and the message says what to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Say whether a file is one of version 6, which is not read as it is."""
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
