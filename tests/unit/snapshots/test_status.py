"""What a collector says of itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.snapshots import status
from zmhook.snapshots.counts import HandlerCounts, Last, Totals

WELL = status.CollectorStatus(
    pid=os.getpid(),
    at=1.0,
    broker="127.0.0.1:1883",
    topics=("a/+",),
    connected=True,
    since=1.0,
    counts=Totals(
        since=1.0,
        received=2,
        stored=1,
        broken={"json": 1},
        cameras={"drive": Last(7, "Human", 5.0, 1)},
        handlers={"describe": HandlerCounts(done=1)},
    ),
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    status.write(tmp_path, WELL)
    assert status.read(tmp_path) == WELL


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"pid": "x"}'])
def test_what_cannot_be_read_is_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / status.NAME).write_bytes(data)
    assert status.read(tmp_path) is None
    assert status.read(tmp_path / "nowhere") is None


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    status.write(tmp_path / "nowhere", WELL)
    assert status.read(tmp_path / "nowhere") is None


def test_whether_it_runs() -> None:
    assert WELL.is_running
    assert not structs.replace(WELL, ended=True).is_running
    assert not structs.replace(WELL, pid=2**22 + 1).is_running
