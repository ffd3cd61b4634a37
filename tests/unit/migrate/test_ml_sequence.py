"""`ml_sequence`: the order of the models, and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook import extensions
from zmhook.detectors import base
from zmhook.migrate.draft import Draft
from zmhook.migrate.ml_sequence import KINDS, ModelKind, put_chain
from zmhook.migrate.old_config import Generation


def chain(ml: dict[str, Any], shared: dict[str, Any] | None = None) -> Draft:
    draft = Draft()
    put_chain(draft, ml, Generation.NG, shared or {})
    return draft


def test_the_order() -> None:
    ml = {"general": {"model_sequence": "face, object"}, "face": {"sequence": [{}]}}
    assert chain(ml).text("models") == "face,yolo"


def test_a_kind_without_a_model() -> None:
    draft = chain({"general": {"model_sequence": "object,face"}, "face": {"sequence": []}})
    assert draft.text("models") == "yolo"
    assert [lost[1:] for lost in draft.lost] == [
        ("face", "of that kind, no model is switched on and here")
    ]


def test_objects_alone_without_a_sequence() -> None:
    assert chain({}).text("models") == "yolo"


def test_a_model_that_is_not_here() -> None:
    draft = chain({"general": {"model_sequence": "object,audio"}})
    assert draft.text("models") == "yolo"
    assert draft.lost[0][1:] == ("audio", "this version has no model audio")


def test_without_plates(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a version that has no such detector."""
    monkeypatch.setattr(base, "BUILT_IN", {"yolo": base.BUILT_IN["yolo"]})
    monkeypatch.setattr(extensions, "installed", lambda _group: {})
    draft = chain({"general": {"model_sequence": "object,alpr"}, "alpr": {"sequence": [{}]}})
    assert draft.text("models") == "yolo"
    assert "this version has no model alpr" in [lost.why for lost in draft.lost]


def test_nothing_that_is_here_leaves_objects() -> None:
    assert chain({"general": {"model_sequence": "audio"}}).text("models") == "yolo"


def test_what_holds_for_all() -> None:
    general = {"frame_strategy": "first_new", "car_max_detection_size": "5%", "mine": 1}
    draft = chain({"general": {**general, "pattern": "(a|b)"}, "face": {"general": {}}})
    assert draft.text("frame_strategy") == "first_new"
    assert draft.text("car_max_detection_size") == "5%"
    assert {draft.text(name) for name in ("detect_pattern", "alpr_pattern")} == {"(a|b)"}
    assert [lost.location for lost in draft.lost][:1] == ["ml_sequence general: mine"]


def test_a_kind_has_its_own_pattern_before_that_of_all() -> None:
    draft = chain({"general": {"pattern": "a"}, "object": {"general": {"pattern": "b"}}})
    assert (draft.text("detect_pattern"), draft.text("face_detection_pattern")) == ("b", "a")


def test_what_the_sequence_does_not_name() -> None:
    ml = {"face": {"sequence": [{"face_model": "cnn"}]}, "general": {"model_sequence": "object"}}
    assert [lost.why for lost in chain(ml).lost] == ["model_sequence does not name it"]
    assert chain(ml, shared=ml).lost == []


@pytest.mark.parametrize("part", ["x", 1, ["x"]])
def test_parts_of_another_form_are_lost(part: Any) -> None:
    places = {lost.location for lost in chain({"general": part, "object": part, "what": part}).lost}
    assert places == {"ml_sequence general", "ml_sequence object", "ml_sequence what"}


YOLO = {"object_framework": "opencv", "object_weights": "a.onnx"}
CORAL = {"object_framework": "coral_edgetpu", "object_weights": "a.tflite"}


def put(kind: str, section: dict[str, Any], *, is_ng: bool = False) -> tuple[Draft, str]:
    draft = Draft()
    model = ModelKind(draft, KINDS[kind], f"{kind}:", section).put(is_ng=is_ng)
    return draft, model


def test_files_and_figures() -> None:
    item = {**YOLO, "name": "Mine", "object_min_confidence": 0.5, "object_processor": "gpu"}
    draft, model = put("object", {"sequence": [item]})
    assert model == "yolo"
    assert {name: entry.text for name, entry in draft.entries.items()} == {
        "weights": "a.onnx",
        "yolo_min_confidence": "0.5",
        "yolo_processor": "gpu",
    }
    assert draft.entries["weights"].note.startswith("Mine, from object: sequence 1:")
    assert draft.lost == []


def test_the_first_that_is_on_and_here_is_taken() -> None:
    second = {**YOLO, "object_weights": "b.onnx"}
    off = {**YOLO, "enabled": "no"}
    draft, _ = put("object", {"sequence": [CORAL, off, second, YOLO]})
    assert draft.text("weights") == "b.onnx"
    assert [(lost.location, lost.why.split(":")[0].split(",")[0]) for lost in draft.lost] == [
        ("object: sequence 1", "that model is not here"),
        ("object: sequence 2", "it was switched off"),
        ("object: sequence 4", "there is one model of each kind here"),
    ]
    assert "object_weights: a.tflite" in draft.lost[0].shown


def test_objects_are_looked_for_in_any_case() -> None:
    draft, model = put("object", {"sequence": [CORAL]})
    assert model == "yolo"
    assert draft.lost[0].why == "that model is not here: yolo takes its place, with its own file"


def test_faces_without_names_are_no_faces() -> None:
    draft, model = put("face", {"sequence": [{"face_detection_framework": "tpu"}]})
    assert (model, draft.lost[0].why) == ("", "that model is not here")


def test_hog() -> None:
    draft, model = put(
        "object", {"sequence": [{"object_framework": "hog", "object_min_confidence": 0.7}]}
    )
    assert (model, draft.text("hog_min_confidence")) == ("hog", "0.7")


@pytest.mark.parametrize(
    ("sides", "lost"),
    [
        ({"model_width": 608, "model_height": 608}, 0),
        ({"model_height": 608}, 0),
        ({"model_width": 608, "model_height": 352}, 1),
    ],
)
def test_the_side_of_the_network(sides: dict[str, int], lost: int) -> None:
    draft, _ = put("object", {"sequence": [{**YOLO, **sides}]})
    assert draft.text("yolo_input_size") == "608"
    assert len(draft.lost) == lost


@pytest.mark.parametrize(
    ("kind", "name"), [("face", "face_max_size"), ("alpr", "alpr_max_size"), ("object", "")]
)
def test_max_size(kind: str, name: str) -> None:
    draft, _ = put(kind, {"sequence": [{"max_size": 800}]})
    assert draft.text(name) == ("800" if name else "")
    assert len(draft.lost) == (not name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("face", "face_pre_existing_labels"), ("alpr", "alpr_pre_existing_labels"), ("object", "")],
)
def test_labels_that_must_be_there_before(kind: str, name: str) -> None:
    section = {"general": {"pre_existing_labels": ["car", "bus"]}, "sequence": [{}]}
    draft, _ = put(kind, section)
    assert draft.text(name) == ("car,bus" if name else "")
    assert len(draft.lost) == (not name)


def test_labels_of_one_model_of_a_kind() -> None:
    section = {"sequence": [{"pre_existing_labels": ["person"]}]}
    assert put("face", section, is_ng=True)[0].text("face_pre_existing_labels") == "person"
    assert put("face", section)[0].entries == {}
    own_kind = {"sequence": [{"pre_existing_labels": ["face"]}]}
    assert put("face", own_kind, is_ng=True)[0].entries == {}


@pytest.mark.parametrize(("labels", "text"), [(["car"], ""), (None, "no")])
def test_plates_of_every_picture(labels: list[str] | None, text: str) -> None:
    general = {"pre_existing_labels": labels} if labels else {}
    draft, _ = put("alpr", {"general": general, "sequence": [{"alpr_service": "open_alpr"}]})
    assert draft.text("alpr_use_after_detection_only") == text
    assert draft.text("alpr_service") == "open_alpr"


def test_a_limit_of_faces_is_no_limit_of_all() -> None:
    general = {"max_detection_size": "5%", "car_past_det_max_diff_area": "1%"}
    draft, _ = put("face", {"general": general, "sequence": [{"max_detection_size": "6%"}]})
    assert draft.entries == {}
    assert [lost.why for lost in draft.lost] == ["here it holds for all models together"] * 3
    draft, _ = put("object", {"general": general})
    assert draft.text("max_detection_size") == "5%"


@pytest.mark.parametrize("sequence", ["x", [1], 5, {"object_weights": "a"}])
def test_a_sequence_of_another_form(sequence: Any) -> None:
    draft, model = put("object", {"sequence": sequence, "else": 1, "general": [1]})
    assert model == "yolo"
    assert {lost.location for lost in draft.lost} >= {"object: else", "object: general"}
