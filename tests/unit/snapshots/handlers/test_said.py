"""What handlers say, as it is stored."""

from __future__ import annotations

from zmhook.detection import Box, Detection
from zmhook.snapshots.handlers.said import said

BOX = Box(0, 0, 1, 1)


def test_a_description_has_names_of_its_own() -> None:
    one = Detection(
        label="red van",
        confidence=0.87654,
        box=BOX,
        model="big",
        kind="description",
        attributes={"make": "Ford", "label": "not this"},
    )
    assert said("describe", [one]) == {
        "make": "Ford",
        "label": "red van",
        "confidence": 0.8765,
        "model": "big",
    }


def test_objects_are_listed_by_model() -> None:
    dog = Detection(label="dog", confidence=0.9, box=BOX, model="yolo")
    fox = Detection(label="fox", confidence=0.5, box=BOX, model="yolo", attributes={"age": 2})
    plate = Detection(label="AB 12", confidence=1.0, box=BOX, model="")
    assert said("mine", [dog, fox, plate]) == {
        "yolo": "dog 90%, fox 50% (age 2)",
        "mine": "AB 12 100%",
    }
