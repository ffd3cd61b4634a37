"""Move, mirror and enlarge the whole scene, and the gate says the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gate.gate import Gate
from zmhook.settings import Extent, Settings, Zone, ZoneRule
from zmhook.settings import Gate as GateSettings

WIDTH, HEIGHT = 200, 120

boxes = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    st.integers(20, 120),
    st.integers(20, 60),
    st.integers(2, 50),
    st.integers(2, 40),
)
labels = st.sampled_from(["car", "dog", "person"])
points = st.tuples(st.integers(0, WIDTH), st.integers(0, HEIGHT))
polygons = st.lists(points, min_size=3, max_size=7, unique=True).map(tuple)
gates = st.builds(
    GateSettings,
    zone_match_strategy=st.sampled_from(["any_matching", "first_intersecting"]),
    zone_anchor=st.sampled_from(["box", "foot"]),
    max_detection_size=st.sampled_from([None, Extent(3.0, "%")]),
    match_past_detections=st.just(True),
)

Move = Callable[[float, float], tuple[float, float]]


def judged(
    found: list[tuple[str, Box]],
    earlier: list[tuple[str, Box]],
    zones: list[tuple[tuple[float, float], ...]],
    gate: GateSettings,
    size: tuple[int, int],
) -> list[str]:
    """What becomes of each: counts, or the rule that dropped it."""
    with tempfile.TemporaryDirectory() as folder:
        own = GateSettings(
            **{
                **{name: getattr(gate, name) for name in gate.__struct_fields__},
                "state_path": folder,
                "monitor_size": size,
            }
        )
        settings = Settings(
            gate=own,
            zones=tuple(Zone(f"z{i}", zone) for i, zone in enumerate(zones)),
            zone_rules={"z0": ZoneRule(ignore_pattern="dog")},
        )
        scene = Crop(box=Box(0, 0, *size), width=size[0], height=size[1])
        before = Gate(Event(id=1, monitor_id=1, asked=1.0), settings, Deadline(60))
        before.finish(_detections(earlier), scene)
        before.record()
        now = Gate(Event(id=2, monitor_id=1, asked=2.0), settings, Deadline(60))
        detections = _detections(found)
        kept, dropped = now.filter(detections, scene)
        counted, later = now.finish(kept, scene)
        rules = {id(drop.detection): drop.rule for drop in dropped + later}
        assert len(counted) + len(rules) == len(detections)
        return [rules.get(id(one), "counts") for one in detections]


def _detections(things: list[tuple[str, Box]]) -> list[Detection]:
    return [Detection(label=label, confidence=0.9, box=box, model="yolo") for label, box in things]


def _moved(things: list[tuple[str, Box]], move: Move) -> list[tuple[str, Box]]:
    moved = []
    for label, box in things:
        (x1, y1), (x2, y2) = move(box.x1, box.y1), move(box.x2, box.y2)
        corners = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        moved.append((label, Box(*(round(one) for one in corners))))
    return moved


@pytest.mark.parametrize(
    ("move", "size"),
    [
        (lambda x, y: (WIDTH - x, y), (WIDTH, HEIGHT)),
        (lambda x, y: (3 * x, 3 * y), (3 * WIDTH, 3 * HEIGHT)),
        (lambda x, y: (x + 17, y + 9), (WIDTH, HEIGHT)),
    ],
    ids=["mirrored", "enlarged", "shifted"],
)
@hypothesis(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    found=st.lists(st.tuples(labels, boxes), max_size=5),
    earlier=st.lists(st.tuples(labels, boxes), max_size=3),
    zones=st.lists(polygons, max_size=3),
    gate=gates,
)
def test_the_decision_is_the_same(move: Move, size, found, earlier, zones, gate) -> None:
    expected = judged(found, earlier, zones, gate, (WIDTH, HEIGHT))
    there = [tuple(move(x, y) for x, y in zone) for zone in zones]
    assert judged(_moved(found, move), _moved(earlier, move), there, gate, size) == expected
