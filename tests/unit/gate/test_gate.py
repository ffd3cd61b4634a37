from __future__ import annotations

import subprocess
import sys

import pytest

from zmhook import gate
from zmhook.detection import Box, Detection
from zmhook.settings import General, Hog, Settings, Yolo, Zone


def found(label: str = "person", confidence: float = 0.9, **more) -> Detection:
    return Detection(
        label=label,
        confidence=confidence,
        **{"box": Box(10, 10, 20, 20), "model": "yolo", **more},
    )


def why(detection: Detection, settings: Settings) -> tuple[str, str] | None:
    kept, dropped = gate.judge([detection], settings)
    assert len(kept) + len(dropped) == 1
    return (dropped[0].rule, dropped[0].reason) if dropped else None


def test_both_sides_keep_the_order() -> None:
    settings = Settings(general=General(detect_pattern="person|car"))
    all_of_them = [found(label) for label in ("dog", "person", "cat", "car", "person")]
    kept, dropped = gate.judge(all_of_them, settings)
    assert [one.label for one in kept] == ["person", "car", "person"]
    assert [drop.detection.label for drop in dropped] == ["dog", "cat"]


def test_nothing_found() -> None:
    assert gate.judge([], Settings()) == ([], [])


def test_a_drop_has_the_first_reason_only() -> None:
    settings = Settings(
        general=General(detect_pattern="car"),
        yolo=Yolo(yolo_min_confidence=0.5),
        zones=(Zone("far", ((90, 90), (95, 90), (95, 95))),),
    )
    assert why(found(confidence=0.4), settings) == ("confidence", "confidence 0.40 is below 0.5")
    assert why(found(), settings) == ("pattern", "label does not match car")
    assert why(found("car"), settings) == ("zone", "in none of the zones far")


@pytest.mark.parametrize(
    ("model", "confidence", "kept"),
    [
        ("yolo", 0.5, True),
        ("yolo", 0.4999, False),
        ("yolo", float("nan"), False),
        ("hog", 0.7, True),
        ("hog", 0.69, False),
        ("face", 0.01, True),
        ("somebody-elses", 0.01, True),
    ],
)
def test_each_model_has_its_confidence(model: str, confidence: float, kept: bool) -> None:
    settings = Settings(yolo=Yolo(yolo_min_confidence=0.5), hog=Hog(hog_min_confidence=0.7))
    assert (why(found(model=model, confidence=confidence), settings) is None) is kept


@pytest.mark.parametrize(
    ("pattern", "label", "kept"),
    [
        ("person", "person", True),
        ("person", "personal", True),
        ("person$", "personal", False),
        ("erson", "person", False),
        ("(person|car)", "car", True),
        ("(?i)PERSON", "person", True),
        (".*", "unknown face", True),
        ("Müller", "Müller", True),
    ],
)
def test_pattern_matches_from_the_beginning(pattern: str, label: str, kept: bool) -> None:
    settings = Settings(general=General(detect_pattern=pattern))
    assert (why(found(label), settings) is None) is kept


def test_faces_have_a_pattern_of_their_own() -> None:
    settings = Settings(general=General(detect_pattern="person", face_detection_pattern="bob"))
    assert why(found("bob", kind="face"), settings) is None
    assert why(found("person", kind="face"), settings) == ("pattern", "label does not match bob")


def test_one_zone_of_several_is_enough() -> None:
    near = Zone("near", ((0, 0), (15, 0), (15, 15), (0, 15)))
    far = Zone("far", ((90, 90), (95, 90), (95, 95)))
    assert why(found(), Settings(zones=(far, near))) is None
    assert why(found(box=Box(40, 40, 50, 50)), Settings(zones=(far, near))) == (
        "zone",
        "in none of the zones far, near",
    )


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, zmhook.gate\n"
        "print([name for name in ('numpy', 'cv2', 'shapely') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
