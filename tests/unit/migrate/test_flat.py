from __future__ import annotations

from typing import Any

import pytest

from zmhook.migrate.draft import ConfigLine, Draft
from zmhook.migrate.flat import default, put_defaults, put_stream, put_usual_strategy
from zmhook.migrate.old_config import Generation, OldConfig, OldSetting


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


FIVE, SIX, NG = Generation.FIVE, Generation.SIX, Generation.NG


def filled(generation: Generation, *, ml: bool = False, stream: bool = False, **said: str) -> Draft:
    draft = Draft()
    draft.entries = {name: ConfigLine(text) for name, text in said.items()}
    put_defaults(draft, generation, ml=ml, stream=stream)
    return draft


def test_version_5() -> None:
    draft = filled(FIVE, models="yolo")
    assert (draft.text("frame_id"), draft.text("show_percent")) == ("snapshot", "no")
    assert draft.text("yolo_min_confidence") == "0.4"
    assert draft.text("weights").endswith("yolov3.weights")
    assert draft.entries["frame_id"].note == "the default of version 5; here it is bestmatch"
    assert "alpr_service" not in draft.entries


def test_what_is_said_stays() -> None:
    assert (
        filled(FIVE, models="yolo", yolo_min_confidence="0.7").text("yolo_min_confidence") == "0.7"
    )


def test_tiny() -> None:
    draft = filled(FIVE, models="yolo", yolo_type="tiny")
    assert draft.text("tiny_weights").endswith("yolov3-tiny.weights")
    assert "weights" not in draft.entries


def test_sequences_have_no_such_defaults() -> None:
    draft = filled(SIX, models="yolo,alpr", ml=True, stream=True)
    assert set(draft.entries) & {"weights", "frame_id", "yolo_min_confidence"} == set()
    assert draft.text("alpr_service") == "plate_recognizer"


def test_ng() -> None:
    draft = filled(NG, models="yolo,face,alpr", ml=True)
    assert (draft.text("face_model"), draft.text("save_unknown_faces")) == ("cnn", "no")
    assert draft.text("platerec_min_score") == "0.2"


@pytest.mark.parametrize(("film", "width"), [("yes", "400"), ("no", "")])
def test_the_width_of_a_film(film: str, width: str) -> None:
    assert filled(SIX, create_animation=film).text("animation_width") == width


@pytest.mark.parametrize(
    ("name", "text"), [("object_min_confidence", "0.4"), ("face_model", "hog"), ("mine", None)]
)
def test_default(name: str, text: str | None) -> None:
    assert default(SIX, name) == text


SIX, NG = Generation.SIX, Generation.NG


def put(stream: dict[str, Any], generation: Generation = SIX, wait: object = None) -> Draft:
    draft, old = Draft(), OldConfig(generation, None)
    if wait is not None:
        old.flat["wait"] = OldSetting("[general]", "wait", wait)
    put_stream(draft, stream, old)
    return draft


@pytest.mark.parametrize(
    ("key", "value", "name", "text"),
    [
        ("frame_set", "snapshot,alarm", "frame_id", "snapshot,alarm"),
        ("frame_set", ["alarm", 5], "frame_id", "alarm,5"),
        ("frame_strategy", "most_unique", "frame_strategy", "most_unique"),
        ("detection_mode", "most_models", "frame_strategy", "most_models"),
        ("frame_skip", 3, "frame_skip", "2"),
        ("frame_skip", "0", "frame_skip", "0"),
        ("max_frames", 0, "max_frames", "1000"),
        ("max_attempts", 3, "max_attempts", "3"),
        ("resize", "no", "resize", "no"),
        ("disable_ssl_cert_check", "no", "allow_self_signed", "no"),
        ("disable_ssl_cert_check", True, "allow_self_signed", "yes"),
        ("delay", 3, "wait", "3"),
    ],
)
def test_a_key(key: str, value: object, name: str, text: str) -> None:
    draft = put({key: value})
    assert draft.text(name) == text
    assert draft.lost == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("frame_skip", "x"),
        ("disable_ssl_cert_check", "x"),
        ("download", "yes"),
        ("save_frames_dir", "/tmp"),
        ("contig_frames_before_error", 5),
        ("convert_snapshot_to_fid", "yes"),
        ("mine", 1),
    ],
)
def test_what_is_lost(key: str, value: object) -> None:
    (lost,) = put({"frame_set": "alarm", key: value}).lost
    assert lost.location == f"stream_sequence: {key}"


def test_the_same_picture_twice() -> None:
    draft = put({"frame_set": "snapshot,snapshot,alarm"})
    assert draft.text("frame_id") == "snapshot,alarm"
    assert [lost.shown for lost in draft.lost] == ["snapshot, 2 times"]


def test_in_version_6_first_ended_the_models_too() -> None:
    assert put({"frame_strategy": "first"}).text("detection_mode") == "first"
    assert put({"frame_strategy": "first"}, NG).text("detection_mode") == ""


def test_frames_when_none_are_named() -> None:
    six = put({})
    assert (six.text("frame_id"), six.text("frame_skip")) == ("all", "0")
    assert put({}, NG).text("frame_id") == "snapshot,alarm,1"


def test_both_waits_are_waited() -> None:
    assert put({"delay": 2}, wait="1.5").text("wait") == "3.5"
    assert [lost.location for lost in put({"delay": "x"}, wait=1).lost] == [
        "stream_sequence: delay"
    ]


@pytest.mark.parametrize("said", ["", "most"])
def test_the_usual_strategy(said: str) -> None:
    draft = put({"frame_strategy": said} if said else {})
    put_usual_strategy(draft, SIX)
    assert draft.text("frame_strategy") == (said or "most_models")
