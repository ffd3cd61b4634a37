"""Detections, and what a gate says about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.detection import Box, Detection
from zmhook.event import Event
from zmhook.frame import Crop
from zmhook.gate.gate import Gate
from zmhook.settings import Settings

EVENT = Event(id=7, monitor_id=2, asked=1_700_000_000.0)

Found = Callable[..., Detection]
Why = Callable[..., tuple[str, str] | None]
MakeGate = Callable[..., Gate]


@pytest.fixture
def found() -> Found:
    def found(label: str = "person", confidence: float = 0.9, **more) -> Detection:
        return Detection(
            label=label,
            confidence=confidence,
            **{"box": Box(10, 10, 20, 20), "model": "yolo", **more},
        )

    return found


@pytest.fixture
def gate(tmp_path: Path) -> MakeGate:
    """Make a gate whose memory is in the test's own folder."""

    def gate(settings: Settings | None = None, event: Event = EVENT) -> Gate:
        settings = settings or Settings()
        general = structs.replace(settings.general, base_data_path=str(tmp_path))
        own = structs.replace(settings.gate, state_path=str(tmp_path / "state"))
        settings = structs.replace(settings, general=general, gate=own)
        return Gate(event, settings, Deadline(30))

    return gate


@pytest.fixture
def why(gate: MakeGate) -> Why:
    """Judge one detection and settle it: the rule and its reason, None when it counts."""

    def why(
        detection: Detection,
        settings: Settings | None = None,
        size: tuple[int, int] = (640, 480),
        event: Event = EVENT,
    ) -> tuple[str, str] | None:
        scene = Crop(box=Box(0, 0, *size), width=size[0], height=size[1])
        judge = gate(settings, event)
        kept, dropped = judge.filter([detection], scene)
        counted, later = judge.finish(kept, scene)
        drops = dropped + later
        assert len(counted) + len(drops) == 1
        return (drops[0].rule, drops[0].reason) if drops else None

    return why
