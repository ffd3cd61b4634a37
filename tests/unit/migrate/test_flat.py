from __future__ import annotations

import pytest


def test_models_of_version_5(result) -> None:
    found = result("[general]\nmodels=['yolo', 'face']\n")
    assert found.general()["models"] == "yolo,face"


def test_models_of_version_6(result) -> None:
    found = result("[general]\ndetection_sequence=object,face,nothing\n")
    assert found.general()["models"] == "yolo,face"
    assert found.why("[general] detection_sequence") == "this version has no model nothing"


@pytest.mark.parametrize(
    ("text", "mode", "strategy"),
    [
        ("[general]\ndetection_mode=first\n", "first", None),
        ("[general]\ndetection_mode=all\n", "all", None),
        ("[object]\n[general]\ndetection_mode=all\n", None, "most_models"),
        ("[object]\n[general]\ndetection_mode=first\n", "first", "first"),
        ("[object]\n[general]\ndetection_mode=most\n", None, "most"),
        ("[object]\n", None, "most_models"),
    ],
)
def test_modes(result, text: str, mode: str | None, strategy: str | None) -> None:
    general = result(text).general()
    assert (general.get("detection_mode"), general.get("frame_strategy")) == (mode, strategy)


@pytest.mark.parametrize(("word", "processor"), [("yes", "gpu"), ("no", None)])
def test_cuda(result, word: str, processor: str | None) -> None:
    found = result(f"[ml]\nuse_opencv_dnn_cuda={word}\n")
    assert found.general("yolo").get("yolo_processor") == processor
    assert ("[ml] use_opencv_dnn_cuda" in found.places) is (processor is None)


def test_a_sequence_rules_out_what_it_says(result) -> None:
    found = result(
        "[general]\nframe_id=alarm\n[object]\nobject_min_confidence=0.9\nmine=0.4\n"
        "[face]\nface_model=cnn\n[ml]\nstream_sequence={'frame_set': 'snapshot'}\n"
        "ml_sequence={'object': {'sequence': [{'object_min_confidence': {{mine}}}]}}\n"
    )
    assert found.general()["frame_id"] == "snapshot"
    assert found.general("yolo") == {"yolo_min_confidence": "0.4"}
    assert found.general("face") == {"face_model": "cnn"}, "the training read it"
    assert found.why("[general] frame_id") == "had no effect: the sequences say it"
    assert found.why("[object] object_min_confidence") == "had no effect: the sequences say it"
    assert found.why("[object] mine") == "not needed: put in where it was named"


def test_a_key_of_somebodys_own_that_nothing_names(result) -> None:
    found = result("[custom]\nmine=1\n")
    assert found.why("[custom] mine") == "there is nothing like it here"


def test_a_model_for_objects_that_is_not_here(result) -> None:
    found = result(
        "[object]\nobject_framework=coral_edgetpu\nobject_weights=a.tflite\nobject_processor=tpu\n"
        "object_min_confidence=0.6\n"
    )
    assert found.general("yolo") == {"yolo_min_confidence": "0.6"}
    assert {"[object] object_weights", "[object] object_processor"} <= set(found.places)


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("[object]\n[general]\nimport_zm_zones=no\nonly_triggered_zm_zones=yes\n", "yes"),
        ("[object]\n[general]\nonly_triggered_zm_zones=yes\nimport_zm_zones=no\n", "yes"),
        ("[object]\n[general]\nonly_triggered_zm_zones=no\nimport_zm_zones=no\n", "no"),
        ("[general]\nimport_zm_zones=no\nonly_triggered_zm_zones=yes\n", "no"),
    ],
)
def test_triggered_zones_were_imported(result, text: str, imports: str) -> None:
    assert result(text).general("gate")["import_zm_zones"] == imports
