"""Snapshots that differ, and a store for them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.snapshots.snapshot import BestSnapshot
from zmhook.snapshots.store.index_writer import StoreLimits
from zmhook.snapshots.store.store import Store

# The header of a JPEG of 64 x 48 pixels, and its end; what tells pictures apart comes between.
JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x30\x00\x40\x01\x01\x11\x00"
AT = 1_700_000_000.0


@pytest.fixture
def picture() -> Callable[[object], bytes]:
    return lambda what: JPEG + str(what).encode() + b"\xff\xd9"


@pytest.fixture
def snapshot(picture: Callable[[object], bytes]) -> Callable[..., BestSnapshot]:
    """Make a snapshot; each is of another track and another picture, unless told."""
    counted = itertools.count()

    def make(**fields: object) -> BestSnapshot:
        number = next(counted)
        given = {
            "camera": "front",
            "topic": "axis/front/track",
            "format": "axis.object_track.v1",
            "track_id": f"track-{number}",
            "taken": AT + number,
            "received": AT + number + 1,
            "picture": picture(number),
            "monitor_id": 1,
            "channel": 1,
            "label": "Human",
        }
        return BestSnapshot(**{**given, **fields})

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"


@pytest.fixture
def opened(folder: Path) -> Iterator[Callable[..., Store]]:
    """Open the store, as often as you like; what was open before is closed."""
    stores: list[Store] = []

    def opener(limits: StoreLimits | None = None) -> Store:
        for store in stores:
            store.close()
        stores.append(Store.open(folder, limits))
        return stores[-1]

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    return opened()
