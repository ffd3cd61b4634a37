"""What `zmhook watch` writes down."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.storage.lock import lock_file
from zmhook.watch import status
from zmhook.watch.position import Position

WELL = status.WatchStatus(
    position=Position(portal="http://zm/zm", mark=7, answered=1.0, settled=[9]),
    pid=os.getpid(),
    at=2.0,
    since=1.0,
    counts=status.EventCounts(alarm=1, old=2),
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    status.write(tmp_path, WELL)
    assert status.read(tmp_path) == WELL


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"pid": "x"}'])
def test_what_cannot_be_read_is_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / status.NAME).write_bytes(data)
    assert status.read(tmp_path) is None
    assert status.read(tmp_path / "nowhere") is None


@pytest.mark.parametrize(("key", "value"), [("at", 1e300), ("since", -1e300), ("last_time", 1e15)])
def test_a_time_that_no_calendar_has_is_damage(tmp_path: Path, key: str, value: float) -> None:
    status.write(tmp_path, structs.replace(WELL, **{key: value}))
    assert status.read(tmp_path) is None


def test_whether_it_runs(tmp_path: Path) -> None:
    assert not status.is_running(tmp_path)
    lock = lock_file(tmp_path / status.LOCK)
    assert lock is not None
    assert status.is_running(tmp_path)
    os.close(lock)
    assert not status.is_running(tmp_path)
