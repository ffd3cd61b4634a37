"""`ml_sequence`: the order of the models, and what holds for all of them."""

from __future__ import annotations

from typing import Any

import pytest

from zmhook import extensions
from zmhook.detectors import base
from zmhook.migrate.chain import put_chain
from zmhook.migrate.draft import Draft
from zmhook.migrate.old import Generation


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
    assert [lost.place for lost in draft.lost][:1] == ["ml_sequence general: mine"]


def test_a_kind_has_its_own_pattern_before_that_of_all() -> None:
    draft = chain({"general": {"pattern": "a"}, "object": {"general": {"pattern": "b"}}})
    assert (draft.text("detect_pattern"), draft.text("face_detection_pattern")) == ("b", "a")


def test_what_the_sequence_does_not_name() -> None:
    ml = {"face": {"sequence": [{"face_model": "cnn"}]}, "general": {"model_sequence": "object"}}
    assert [lost.why for lost in chain(ml).lost] == ["model_sequence does not name it"]
    assert chain(ml, shared=ml).lost == []


@pytest.mark.parametrize("part", ["x", 1, ["x"]])
def test_parts_of_another_form_are_lost(part: Any) -> None:
    places = {lost.place for lost in chain({"general": part, "object": part, "what": part}).lost}
    assert places == {"ml_sequence general", "ml_sequence object", "ml_sequence what"}
