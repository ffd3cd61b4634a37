"""Decisions to record, and settings that record them below a folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.detection import Box, Decision, Detection, Drop, FrameInfo
from zmhook.event import Event
from zmhook.history.record import _warned
from zmhook.settings import General, History, Settings
from zmhook.storage.shared_database import close_all


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite"


@pytest.fixture
def configured(path: Path) -> Iterator[Callable[..., Settings]]:
    """Settings of a chain without files, with `[history]` as given."""

    def make(**history) -> Settings:
        return Settings(
            general=General(models=("hog",)),
            history=History(**{"history_path": str(path), **history}),
        )

    yield make
    close_all()
    _warned.clear()


@pytest.fixture
def decision() -> Callable[..., Decision]:
    """A decision of an event: labels that were kept, and labels dropped by rule."""

    def make(
        event_id: int | None = 1,
        *,
        kept: tuple[str, ...] = ("person",),
        dropped: tuple[tuple[str, str], ...] = (("car", "static"),),
        monitor_id: int | None = 5,
        asked: float = 1_000_000.0,
        total: float = 100.0,
        **fields,
    ) -> Decision:
        return Decision(
            event=Event(id=event_id, monitor_id=monitor_id, monitor_name="Door", asked=asked),
            detections=[_detection(label) for label in kept],
            dropped=[
                Drop(detection=_detection(label), rule=rule, reason=f"{rule}, in figures")
                for label, rule in dropped
            ],
            frame=FrameInfo(id="snapshot", origin="a folder", width=1920, height=1080),
            timings={"fetch": 30.0, "total": total},
            **{"outcome": "alarm" if kept else "nothing", "version": "1.2.3", **fields},
        )

    return make


def _detection(label: str) -> Detection:
    return Detection(label=label, confidence=0.71, box=Box(10, 20, 110, 220), model="yolo")
