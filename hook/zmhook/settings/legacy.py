"""Keys of other versions' files: what has no effect here, and what is called otherwise.

A file that holds a key of the first kind is right, and `--check-config` tells about it. One that
holds a key of the second kind is not, and the message says what to write.
"""

_LATER = "known, but this version does not do that yet: no effect"
_NO_LONGER = "no longer used"

UNUSED_SECTIONS = ("remote", "alpr")

# key → why it has no effect
NOT_USED: dict[str, str] = dict.fromkeys(
    (
        # In the remote section, which older files call ml
        "ml_gateway",
        "ml_user",
        "ml_password",
        "ml_fallback_local",
        "ml_timeout",
        # In the alpr section
        "alpr_service",
        "alpr_url",
        "alpr_key",
        "alpr_use_after_detection_only",
        "alpr_api_type",
        "platerec_stats",
        "platerec_regions",
        "platerec_min_dscore",
        "platerec_min_score",
        "openalpr_recognize_vehicle",
        "openalpr_country",
        "openalpr_state",
        "openalpr_min_confidence",
        "openalpr_cmdline_binary",
        "openalpr_cmdline_params",
        "openalpr_cmdline_min_confidence",
    ),
    _LATER,
)

OBSOLETE: dict[str, str] = {
    "pyzm_overrides": f"{_NO_LONGER}: log levels are those of ZoneMinder's options",
    "use_opencv_dnn_cuda": f"{_NO_LONGER}: yolo_processor = gpu in [yolo] asks for the GPU",
    "version": _NO_LONGER,
}

_SIX = "from a version 6 file;"
_SEQUENCE = f"{_SIX} here models, frame_id and detection_mode and the models' own sections say it"
_NOTHING = f"{_SIX} nothing here is like it: remove it"

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
    "platerec_payload": _NOTHING,
    "platerec_config": _NOTHING,
}
