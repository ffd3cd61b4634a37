from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from zmhook.decide import Decided
from zmhook.detection import Box, Decision, Detection, Drop, FrameInfo
from zmhook.event import Event
from zmhook.frame import Frame


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """What is a process's own `main` sets up the log; the next test needs it as it was."""
    logger = logging.getLogger("zmhook")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture
def found() -> Callable[..., Detection]:
    def found(label: str = "person", confidence: float = 0.97, **more) -> Detection:
        given = {"box": Box(30, 40, 130, 200), "model": "yolo", **more}
        return Detection(label=label, confidence=confidence, **given)

    return found


@pytest.fixture
def described() -> Callable[..., Detection]:
    """What a large model said about a box; about the whole picture when there is none."""

    def described(
        text: str = "A man with a parcel.", about: Box | None = None, **more
    ) -> Detection:
        given = {"label": "a postman", "confidence": 0.8, "box": Box(35, 45, 120, 190), **more}
        sides = [about.x1, about.y1, about.x2, about.y2] if about else []
        told = {
            "description": text,
            "alarm": given.pop("alarm", "unsure"),
            "about": ",".join(map(str, sides)),
            "jacket": "red",
        }
        return Detection(model="gemini", kind="description", attributes=told, **given)

    return described


@pytest.fixture
def decision() -> Callable[..., Decision]:
    """A decision with these detections, made from the snapshot."""

    def decision(*detections: Detection, **more) -> Decision:
        given = {
            "event": Event(id=7, monitor_id=2, asked=0.0),
            "outcome": "alarm",
            "frame": FrameInfo(id="snapshot", origin="test", width=640, height=480),
            **more,
        }
        return Decision(detections=list(detections), **given)

    return decision


@pytest.fixture
def decided(decision, found) -> Callable[..., Decided]:
    """One person kept and a cat dropped, in a grey picture."""

    def decided(width: int = 640, height: int = 480, **more) -> Decided:
        image = np.full((height, width, 3), 128, np.uint8)
        drop = Drop(
            detection=found("cat", 0.2, box=Box(300, 300, 380, 360)),
            rule="confidence",
            reason="confidence 20% is below 30%",
        )
        return Decided(decision(found(), dropped=[drop], **more), Frame(image, "snapshot", "test"))

    return decided


@pytest.fixture
def soon() -> Callable[..., object]:
    """Run a coroutine function, which must end within seconds."""
    return lambda make: asyncio.run(asyncio.wait_for(make(), 20))


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait until something holds, for seconds at most."""

    async def until(holds: Callable[[], object]) -> None:
        for _ in range(1000):
            if holds():
                return
            await asyncio.sleep(0.01)
        pytest.fail("it never came to that")

    return until


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: a socket's path may have 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as folder:
        yield Path(folder)
