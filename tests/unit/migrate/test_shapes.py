from __future__ import annotations

import pytest

from zmhook.migrate.shapes import as_text
from zmhook.settings.keys import keys


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("show_percent", True, "yes"),
        ("show_percent", False, "no"),
        ("resize", None, ""),
        ("wait", 5, "5"),
        ("wait", 0.1 + 0.2, "0.3"),
        ("animation_types", "'mp4,gif'", "mp4,gif"),
        ("animation_types", ["mp4", "gif"], "mp4,gif"),
        ("detect_pattern", " (person|car) ", "(person|car)"),
        ("detect_pattern", "['a']", "['a']"),
        ("password", "'quoted'", "'quoted'"),
        ("platerec_regions", "['us', 'cn']", "us,cn"),
        ("platerec_regions", "de", "de"),
        ("platerec_payload", {"a": [1]}, '{"a": [1]}'),
        ("platerec_payload", "{'a': 'ä'}", '{"a": "ä"}'),
        ("aliases", [["car", "bus"], ["dog"]], "car,bus; dog"),
        ("aliases", "[['car','bus'],['dog','cat']]", "car,bus; dog,cat"),
        ("aliases", ["car", "bus"], "car,bus"),
        ("alpr_pre_existing_labels", {"b", "a"}, "a,b"),
        ("stride", (4, 8), "(4,8)"),
        ("poly_color", "(255,255,255)", "(255,255,255)"),
        ("past_det_max_diff_area", "7", "7%"),
        ("past_det_max_diff_area", 7, "7%"),
        ("past_det_max_diff_area", "300px", "300px"),
        ("past_det_max_diff_area", "180%", "5%"),
        ("max_detection_size", "300", "300"),
        ("max_frames", 0, "1000"),
        ("alpr_service", "openalpr", "open_alpr"),
    ],
)
def test_text(name: str, value: object, text: str) -> None:
    assert as_text(keys()[name], value) == text


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("portal", {"a": 1}, "a form that cannot be written"),
        ("portal", b"x", "a form that cannot be written"),
        ("wait", 1j, "a form that cannot be written"),
        ("alpr_pre_existing_labels", ["a,b"], "a value with , in it"),
    ],
)
def test_no_text(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_text(keys()[name], value)
