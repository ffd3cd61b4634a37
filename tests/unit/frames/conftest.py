"""A store of snapshots, filled as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.snapshots.snapshot import BestSnapshot, SceneBox, StoredSnapshot
from zmhook.snapshots.store.store import Store

TAKEN = 1_753_800_000.0
CROP = SceneBox(0.25, 0.5, 0.5, 0.75)


def picture(width: int = 80, height: int = 60, shade: int = 0) -> bytes:
    """Return a JPEG; another shade is another picture."""
    image = np.full((height, width, 3), shade % 256, np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


def snapshot(track: str = "t1", **more: object) -> BestSnapshot:
    """Return a person's, seen for two seconds by monitor 1; `more` differs."""
    given = {
        "camera": "front",
        "topic": "axis/front/track",
        "format": "axis.object_track.v1",
        "track_id": track,
        "taken": TAKEN,
        "received": TAKEN + 2,
        "picture": picture(shade=sum(track.encode())),
        "monitor_id": 1,
        "start": TAKEN - 1,
        "end": TAKEN + 1,
        "ended": True,
        "label": "Human",
        "score": 0.8,
        "crop": CROP,
        **more,
    }
    return BestSnapshot(**given)


@pytest.fixture
def snapshots(tmp_path: Path) -> Iterator[Callable[..., list[StoredSnapshot]]]:
    """Add snapshots to the store in `tmp_path/snapshots`."""
    folder = tmp_path / "snapshots"
    stores: list[Store] = []

    def add(*wanted: BestSnapshot) -> list[StoredSnapshot]:
        if not stores:
            stores.append(Store.open(folder))
        return stores[0].add(wanted)

    yield add
    for store in stores:
        store.close()


@pytest.fixture
def make_snapshot() -> Callable[..., BestSnapshot]:
    return partial(snapshot)


@pytest.fixture
def make_picture() -> Callable[..., bytes]:
    return picture


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each wait, none of which takes any time."""
    pauses: list[float] = []
    monkeypatch.setattr(Deadline, "sleep", lambda _, seconds: pauses.append(seconds))
    return pauses
