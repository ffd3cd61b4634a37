from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmhook import __version__
from zmhook.detection import Box, Decision, Detection, Drop, FrameInfo
from zmhook.event import Event

number = st.floats(-1e6, 1e6)
side = st.integers(1, 10_000)


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ((1.4, 1.6, 8.5, 9.4), Box(1, 2, 8, 9)),
        ((-5, -5, 5, 5), Box(0, 0, 5, 5)),
        ((5, 5, 500, 500), Box(5, 5, 20, 10)),
        ((30, 30, 40, 40), Box(19, 9, 20, 10)),
        ((-9, -9, -5, -5), Box(0, 0, 1, 1)),
        ((7, 7, 7, 7), Box(7, 7, 8, 8)),
        ((7, 7, 3, 3), Box(7, 7, 8, 8)),
    ],
)
def test_clipped_to_20x10(corners: tuple[float, float, float, float], box: Box) -> None:
    assert Box.clipped(*corners, 20, 10) == box


@given(number, number, number, number, side, side)
def test_clipped_is_inside_and_never_empty(
    x1: float, y1: float, x2: float, y2: float, width: int, height: int
) -> None:
    box = Box.clipped(x1, y1, x2, y2, width, height)
    assert 0 <= box.x1 < box.x2 <= width
    assert 0 <= box.y1 < box.y2 <= height


def test_size() -> None:
    box = Box(10, 20, 40, 60)
    assert (box.width, box.height, box.area) == (30, 40, 1200)


@pytest.mark.parametrize(
    ("one", "other", "iou"),
    [
        (Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1.0),
        (Box(0, 0, 10, 10), Box(5, 0, 15, 10), 1 / 3),
        (Box(0, 0, 10, 10), Box(2, 2, 4, 4), 0.04),
        (Box(0, 0, 10, 10), Box(10, 0, 20, 10), 0.0),
        (Box(0, 0, 10, 10), Box(20, 20, 30, 30), 0.0),
    ],
)
def test_iou(one: Box, other: Box, iou: float) -> None:
    assert math.isclose(one.iou(other), iou)
    assert math.isclose(other.iou(one), iou)


def test_decision_travels_as_json() -> None:
    person = Detection(
        label="Jürgen\n--SPLIT--",
        confidence=0.5,
        box=Box(1, 2, 3, 4),
        model="face",
        kind="face",
        attributes={"distance": 0.25, "size": 90, "known": True, "id": "x"},
    )
    decision = Decision(
        event=Event(id=7, monitor_id=2, path="/e"),
        outcome="alarm",
        detections=[person],
        dropped=[Drop(detection=person, rule="zone", reason="in none")],
        frame=FrameInfo(id="alarm", origin="/e", width=4, height=3, resized_to=(2, 1)),
        timings={"total": 1.5},
        errors=["one"],
        version="1",
    )
    assert Decision.from_json(decision.to_json()) == decision
    assert Decision.from_json(decision.to_json().decode()) == decision
    data = json.loads(decision.to_json())
    assert data["detections"][0]["box"] == [1, 2, 3, 4]
    assert data["frame"]["resized_to"] == [2, 1]


def test_undecided() -> None:
    event = Event(id=7)
    decision = Decision.undecided(event, "no picture", "no key")
    assert (decision.event, decision.outcome) == (event, "undecided")
    assert decision.errors == ["no picture", "no key"]
    assert decision.version == __version__
    assert decision.detections == decision.dropped == []
