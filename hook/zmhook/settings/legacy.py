"""Keys of older files that are recognised but have no effect, and why.

A file that holds them is right; `--check-config` tells about each of them.
"""

# key → (its section, what to know)
_LATER = "known, but this version does not do that yet; it has no effect"
NOT_USED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("alpr_pattern", "match_past_detections", "past_det_max_diff_area", "import_zm_zones", "only_triggered_zm_zones"),
        ("general", _LATER),
    ),
    **dict.fromkeys(
        ("create_animation", "animation_types", "animation_width", "animation_retry_sleep", "animation_max_tries"),
        ("animation", _LATER),
    ),
    **dict.fromkeys(
        ("ml_gateway", "ml_user", "ml_password", "ml_fallback_local", "ml_timeout"),
        ("remote", _LATER),
    ),
    **dict.fromkeys(
        (
            "alpr_service", "alpr_url", "alpr_key", "alpr_use_after_detection_only", "alpr_api_type",
            "platerec_stats", "platerec_regions", "platerec_min_dscore", "platerec_min_score",
            "openalpr_recognize_vehicle", "openalpr_country", "openalpr_state",
            "openalpr_min_confidence", "openalpr_cmdline_binary", "openalpr_cmdline_params",
            "openalpr_cmdline_min_confidence",
        ),
        ("alpr", _LATER),
    ),
}

OBSOLETE: dict[str, str] = {
    "pyzm_overrides": "no longer used; log levels are those of ZoneMinder's options, --debug shows more",
    "use_opencv_dnn_cuda": "no longer used; set yolo_processor = gpu in [yolo]",
    "version": "no longer used",
}
