"""A stranger's words, made into detections."""

from __future__ import annotations

import math

import pytest

from zmhook.detection import Box, Decision, Detection
from zmhook.event import Event
from zmhook.gateway.parse import (
    LONGEST_LABEL,
    LONGEST_TEXT,
    MOST_ATTRIBUTES,
    finite,
    parse_detection,
    strongest,
)
from zmhook.gateway.protocol import MOST_DETECTIONS

BOX = Box(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (0, 0.0),
        (0.5, 0.5),
        (1, 1.0),
        (1.005, 1.0),
        ("58.52%", 0.5852),
        ("97%", 0.97),
        ("0%", 0.0),
        (1.5, None),
        (97, None),
        (-0.1, None),
        (math.nan, None),
        (math.inf, None),
        (10**400, None),
        (True, None),
        (None, None),
        ("0.5", None),
        ("nan%", None),
        ("x%", None),
        ("200%", None),
    ],
)
def test_a_confidence_is_a_share_of_one(said: object, expected: float | None) -> None:
    one = parse_detection("yolo", "dog", said, BOX)
    assert (one.confidence if one else None) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("dog", "dog"),
        ("  a\ndog\x1b[31m ", "a dog [31m"),
        ("é", "é"),
        ("x" * 500, "x" * (LONGEST_LABEL - 1) + "…"),
        ("", None),
        ("\x00", None),
        (5, None),
        (None, None),
    ],
)
def test_a_label_is_one_printable_line(said: object, expected: str | None) -> None:
    one = parse_detection("yolo", said, 0.5, BOX)
    assert (one.label if one else None) == expected


@pytest.mark.parametrize(
    ("model", "kind"),
    [("yolo", "object"), ("hog", "object"), ("face", "face"), ("alpr", "licenseplate")],
)
def test_the_kind_is_the_models(model: str, kind: str) -> None:
    one = parse_detection(model, "x", 0.5, BOX)
    assert one == Detection(label="x", confidence=0.5, box=BOX, model=model, kind=kind)


def test_without_a_box_there_is_nothing() -> None:
    assert parse_detection("yolo", "dog", 0.5, None) is None


def test_attributes_are_few_short_and_plain() -> None:
    said = {
        "a": 1,
        "b": 0.5,
        "c": True,
        "d": "x\ny",
        "e": math.nan,
        "f": [1],
        "g": None,
        "h": 10**400,
    }
    one = parse_detection("alpr", "x", 0.5, BOX, said)
    assert one
    assert one.attributes == {"a": 1, "b": 0.5, "c": True, "d": "x y"}
    assert Decision(event=Event(), outcome="alarm", detections=[one]).to_json()
    many = parse_detection("alpr", "x", 0.5, BOX, {str(i): "y" * 9999 for i in range(1000)})
    assert many
    assert len(many.attributes) == MOST_ATTRIBUTES
    assert len(str(many.attributes["0"])) <= LONGEST_TEXT + 1
    assert parse_detection("yolo", "x", 0.5, BOX, ["a"]) == parse_detection("yolo", "x", 0.5, BOX)


def test_the_strongest_of_too_many_are_kept_in_their_order() -> None:
    some = [parse_detection("yolo", f"{i}", i / 20_000, BOX) for i in range(10_000)]
    kept = strongest([None, *some])
    assert len(kept) == MOST_DETECTIONS
    assert [one.label for one in kept[:2]] == ["9999", "9998"]


def test_equals_stay_in_their_order() -> None:
    some = [parse_detection("yolo", name, 0.5, BOX) for name in "abc"]
    assert [one.label for one in strongest(some)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (5, 5.0),
        (-0.5, -0.5),
        (True, None),
        ("5", None),
        (None, None),
        (math.nan, None),
        (-math.inf, None),
        (10**400, None),
    ],
)
def test_a_number_is_one_that_can_be_reckoned_with(said: object, number: float | None) -> None:
    assert finite(said) == number
