from __future__ import annotations

from typing import Annotated

import pytest

from zmhook.settings import hints
from zmhook.settings.keys import ALIASES, OBSOLETE, VERSION_6, Key, find, keys
from zmhook.settings.model import SECTIONS, Settings
from zmhook.settings.section import about

# Every key of the classic version 5 configuration, by section.
VERSION_5 = {
    "general": """secrets base_data_path base_zm_conf_path pyzm_overrides portal api_portal user
        password basic_user basic_password allow_self_signed image_path detect_pattern alpr_pattern
        match_past_detections past_det_max_diff_area models detection_mode frame_id bestmatch_order
        wait resize delete_after_analyze show_percent write_image_to_zm write_debug_image
        import_zm_zones only_triggered_zm_zones poly_color""",
    "animation": """create_animation animation_types animation_width animation_retry_sleep
        animation_max_tries""",
    "ml": "use_opencv_dnn_cuda ml_gateway ml_fallback_local ml_user ml_password",
    "yolo": """yolo_type yolo_min_confidence config weights labels tiny_config tiny_weights
        tiny_labels""",
    "hog": "stride padding scale mean_shift",
    "face": """face_num_jitters face_upsample_times face_model face_train_model
        face_recog_dist_threshold face_recog_knn_algo known_images_path unknown_images_path
        unknown_face_name save_unknown_faces save_unknown_faces_leeway_pixels""",
    "alpr": """alpr_service alpr_url alpr_key alpr_use_after_detection_only alpr_api_type
        platerec_stats platerec_regions platerec_min_dscore platerec_min_score
        openalpr_recognize_vehicle openalpr_country openalpr_state openalpr_min_confidence
        openalpr_cmdline_binary openalpr_cmdline_params openalpr_cmdline_min_confidence""",
}


def test_every_key_of_version_5_works_or_is_told_to_have_no_effect(read) -> None:
    for section, names in VERSION_5.items():
        for name in names.split():
            config = read(f"[{section}]\n{name} =\n")
            if find(name):
                assert config.warnings == [], name
            else:
                assert f"[{section}] {name}: " in config.warnings[0]


def test_names_are_unique() -> None:
    assert len(keys()) == sum(len(section.__struct_fields__) for section in SECTIONS.values())


def test_sections_are_those_of_the_settings() -> None:
    assert [
        *SECTIONS,
        "topics",
        "prompts",
        "plates",
        "zones",
        "labels",
        "zone_rules",
        "plugins",
    ] == list(Settings.__struct_fields__)


def test_other_names_are_no_keys_and_stand_for_one() -> None:
    elsewhere = [{*ALIASES}, {*OBSOLETE}, {*VERSION_6}, {*keys()}]
    assert len(set().union(*elsewhere)) == sum(map(len, elsewhere))
    assert set(ALIASES.values()) <= set(keys())


@pytest.mark.parametrize("name", keys())
def test_key_is_described(name: str) -> None:
    key = keys()[name]
    assert key.description[0].isalnum()
    assert key.description.endswith(".")
    assert hints.allowed(key)


@pytest.mark.parametrize("name", keys())
def test_default_reads_back_as_it_is_written(name: str) -> None:
    key = keys()[name]
    text = hints.written(key, key.default)
    if text:
        assert key.read(text) == key.default


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wait", "a number from 0 to 300"),
        ("event_deadline", "a number above 0, at most 3600"),
        ("resize", "a whole number from 32 to 20000, or no"),
        ("yolo_min_confidence", "a number from 0 to 1"),
        ("padding", "two whole numbers, each from 0 to 64, such as (8,8)"),
        ("bestmatch_order", "one or more of a, s, between commas"),
        ("models", "one or more words between commas"),
        ("password", "a secret, best given as !TOKEN"),
    ],
)
def test_what_is_allowed(name: str, words: str) -> None:
    assert hints.allowed(keys()[name]) == words


def test_find() -> None:
    assert find("model") is keys()["models"]
    assert find("nosuch") is None


@pytest.mark.parametrize(
    ("limits", "words"), [({"ge": 3}, "a whole number of 3 or more"), ({}, "a whole number")]
)
def test_what_is_allowed_without_an_end(limits: dict[str, float], words: str) -> None:
    key = Key("general", "x", Annotated[int, about("X.", **limits)], 5)
    assert hints.allowed(key) == words
    assert key.read("10000000") == 10_000_000
