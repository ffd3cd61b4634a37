"""What a reason prints is true: read again, the figures are on the side that the rule says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gate.alarm_rules import cooldown_text
from zmhook.gate.gate import Gate as Judge
from zmhook.settings import Extent, Gate, Settings, Yolo, Zone

LIMITS = st.floats(0.001, 0.999).map(lambda value: round(value, 4)) | st.floats(0.001, 0.999)
NEAR_IT = st.sampled_from([0.0, 1e-9, 1e-7, 2e-6, 1e-5, 4e-4, 0.003, 0.02, 0.2])


@how(max_examples=300, deadline=None)
@given(LIMITS, NEAR_IT, st.booleans())
def test_a_reason_is_true_as_it_is_printed(limit, away, is_less) -> None:
    confidence = min(max(limit - away if is_less else limit + away, 0.0), 1.0)
    drop = judged(Settings(yolo=Yolo(yolo_min_confidence=limit)), confidence=confidence)
    printed = re.fullmatch(r"confidence (\S+)% is below (\S+)%", drop) if drop else None
    assert (drop is None) == (printed is None)
    if printed:
        assert float(printed[1]) < float(printed[2]) == pytest.approx(limit * 100, rel=1e-12)
    else:
        assert confidence >= limit - 1.1e-6


@how(max_examples=300, deadline=None)
@given(
    st.integers(1, 640),
    st.integers(1, 480),
    st.one_of(st.floats(0.01, 100), st.integers(1, 100)),
    st.sampled_from(["%", "px"]),
    st.sampled_from([0.0, 1e-9, 1e-6, 1e-4, 0.01]),
    st.booleans(),
)
def test_a_size_is_true_as_it_is_printed(width, height, value, unit, away, is_most) -> None:
    area = width * height
    if away:  # a limit that nearly is what was found
        value = area * (100 / (640 * 480) if unit == "%" else 1) * (1 + away)
    limit = Extent(value, unit)
    key = "max_detection_size" if is_most else "min_detection_size"
    drop = judged(Settings(gate=Gate(**{key: limit})), box=Box(0, 0, width, height))
    if drop is None:
        return
    size = re.fullmatch(r"size (\d+)px \((\S+)%\) is (above|below) ([\d.e+-]+)(%|px)", drop)
    assert size
    shown, printed = float(size[2] if unit == "%" else size[1]), float(size[4])
    assert shown > printed if is_most else shown < printed


@how(max_examples=200, deadline=None)
@given(st.integers(1, 400), st.floats(0.001, 0.999), st.booleans())
def test_an_overlap_is_true_as_it_is_printed(inside, least, is_near) -> None:
    box = Box(0, 0, 400, 10)
    if is_near:
        least = min(0.999, inside / 400 * (1 + 1e-5))
    zone = Zone("z", ((0, 0), (inside, 0), (inside, 10), (0, 10)))
    drop = judged(Settings(gate=Gate(zone_min_overlap=least), zones=(zone,)), box=box)
    if drop is None:
        assert inside / 400 >= least - 1.1e-6
        return
    printed = re.fullmatch(r"in none of the zones z by (\S+)%: (\S+)% of it is in z", drop)
    assert float(printed[2]) < float(printed[1])


def judged(settings: Settings, **more) -> str | None:
    """Return why a detection is dropped by the rules that need no memory."""
    given = {"label": "person", "confidence": 0.9, "box": Box(10, 10, 20, 20), "model": "yolo"}
    one = Detection(**{**given, **more})
    judge = Judge(Event(), settings, Deadline(30))
    _, dropped = judge.filter([one], Crop(box=Box(0, 0, 640, 480), width=640, height=480))
    return dropped[0].reason if dropped else None


@how(max_examples=200, deadline=None)
@given(st.floats(0.1, 86400), st.floats(1e-7, 1))
def test_a_cooldown_is_true_as_it_is_printed(seconds, part) -> None:
    said = cooldown_text("dog", seconds * part, seconds)
    printed = re.fullmatch(r"dog had an alarm (\S+) s ago \(cooldown (\S+)\)", said)
    assert float(printed[1]) < float(printed[2])
