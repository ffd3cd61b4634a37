"""Faces that are looked for only where people are, with real models and photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.decide import decide_event
from zmhook.detection import Decision
from zmhook.event import Event
from zmhook.settings import Face, General, Settings, Yolo

pytestmark = pytest.mark.integration


@pytest.fixture
def look(tmp_path: Path, photo, model) -> Callable[..., Decision]:
    """Decide a photo by yolo and face."""

    def look(name: str, **face: object) -> Decision:
        general = General(
            models=("yolo", "face"), base_data_path=str(tmp_path), detect_pattern="(person|dog)"
        )
        known = Face(known_images_path=str(tmp_path), save_unknown_faces=False)
        settings = Settings(
            general=general,
            yolo=Yolo(weights=str(model("yolov8n.onnx"))),
            face=structs.replace(known, **face),
        )
        file = str(photo(name))
        return decide_event(Event(), settings, deadline=Deadline(60), file=file).decision

    return look


def faces(decision: Decision) -> list:
    return [one.box for one in decision.detections if one.kind == "face"]


def test_where_people_are_the_faces_are_the_same(look) -> None:
    whole, cut = look("two_people.jpg"), look("two_people.jpg", face_crop_to=("person",))
    assert len(faces(whole)) == 2
    for box in faces(whole):
        assert max(box.iou(other) for other in faces(cut)) > 0.5


def test_without_people_nobody_looks_for_faces(look) -> None:
    decision = look("dog.jpg", face_pre_existing_labels=("person",))
    assert "face" not in decision.timings
    assert [one.label for one in decision.detections] == ["dog"]
    assert "face" in look("two_people.jpg", face_pre_existing_labels=("person",)).timings
