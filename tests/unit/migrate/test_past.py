"""What one model says about past detections does not hold for all."""

from __future__ import annotations

import pytest

OLD = """
[general]
match_past_detections = {flat}
[ml]
use_sequence = yes
ml_sequence = {{
    'general': {{'model_sequence': 'object'{general}}},
    'object': {{
        'general': {{'pattern': '.*'{kind}}},
        'sequence': [{{'object_weights': '/m/y.onnx', 'match_past_detections': 'yes',
                      'past_det_max_diff_area': '50%', 'car_past_det_max_diff_area': '40%'}}]
    }}
    }}
"""
PLACE = "ml_sequence object: sequence 1: match_past_detections"


@pytest.mark.parametrize(
    ("flat", "general", "kind", "who"),
    [
        (
            "no",
            ", 'match_past_detections': '{{match_past_detections}}'",
            "",
            "ml_sequence general:",
        ),
        ("yes", ", 'match_past_detections': 'no'", "", "ml_sequence general:"),
        ("no", "", "", "[general]"),
        ("no", "", ", 'match_past_detections': 'yes'", "[general]"),
    ],
)
def test_what_is_said_for_all_holds(result, flat: str, general: str, kind: str, who: str) -> None:
    found = result(OLD.format(flat=flat, general=general, kind=kind))
    assert found.general("gate")["match_past_detections"] == "no"
    assert found.why(PLACE) == f"{who} match_past_detections says match_past_detections = no"


def test_what_nothing_says_for_all_stays_out(result) -> None:
    found = result(OLD.format(flat="", general="", kind=""))
    assert found.general("gate") == {}
    alone = "of one model alone; here it would hold for all, in [gate]"
    assert found.why(PLACE) == alone
    assert found.why("ml_sequence object: sequence 1: car_past_det_max_diff_area") == alone


def test_the_same_is_not_lost(result) -> None:
    general = ", 'match_past_detections': 'yes', 'past_det_max_diff_area': '50%'"
    found = result(OLD.format(flat="yes", general=general, kind=""))
    assert found.general("gate")["past_det_max_diff_area"] == "50%"
    assert PLACE not in found.places
