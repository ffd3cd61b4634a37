from __future__ import annotations

import pytest

from zmhook.migrate.draft import ConfigLine, Draft
from zmhook.migrate.old_config import Generation
from zmhook.migrate.old_defaults import default, put_defaults

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
