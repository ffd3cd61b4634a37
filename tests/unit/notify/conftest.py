from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zmhook.detection import Box, Decision, Detection, FrameInfo
from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.jobs.spool import Unit
from zmhook.jobs.work import Work
from zmhook.settings import General, Mqtt, Notify, Settings


@pytest.fixture
def work(tmp_path) -> Callable[..., Work]:
    """Make a job about a dog and a person on monitor 3; keywords are those of [notify]."""

    def make(
        *,
        job: str = "webhook",
        general: dict | None = None,
        mqtt: dict | None = None,
        event: dict | None = None,
        detections: list[Detection] | None = None,
        picture: bool = True,
        outcome: str = "alarm",
        **notify,
    ) -> Work:
        found = [
            Detection(label=label, confidence=0.9, box=Box(30, 40, 130, 200), model="yolo")
            for label in ("dog", "person", "dog")
        ]
        decision = Decision(
            event=Event(**{"id": 7, "monitor_id": 3, "monitor_name": "Drive", **(event or {})}),
            outcome=outcome,
            detections=found if detections is None else detections,
            frame=FrameInfo(id="snapshot", origin="test", width=640, height=480),
        )
        settings = Settings(
            general=General(base_data_path=str(tmp_path), **(general or {})),
            notify=Notify(**notify),
            mqtt=Mqtt(**(mqtt or {})),
        )
        frame = Frame(np.full((480, 640, 3), 128, np.uint8), "snapshot", "test")
        unit = Unit("1732212345678-0123abcd-m3", job, 0, 0.0)
        return Work(decision, settings, unit=unit, frame=frame if picture else None)

    return make
