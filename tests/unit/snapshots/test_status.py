"""What a collector has done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.snapshots import status
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.status import (
    LONGEST_TOPIC,
    MOST_CAMERAS,
    MOST_KINDS,
    MOST_REASONS,
    MOST_TOPICS,
    Counts,
    HandlerCounts,
    Last,
    Messages,
    Totals,
    Unused,
    line,
)


def row(number: int, camera: str = "drive") -> StoredSnapshot:
    return StoredSnapshot(
        number=number,
        file="f",
        size=1,
        sha256="",
        camera=camera,
        topic="t",
        format="f",
        track_id="t",
        taken=1.0,
        received=float(number),
        label="Human",
    )


def test_everything_is_counted() -> None:
    counts = Counts()
    counts.message("t", "stored", number=3)
    counts.add("repeated", 1)
    counts.add("amended", 2)
    counts.message("t", "dropped")
    counts.message("u", "no_picture")
    counts.filtered("snapshot_classes")
    counts.message("u", "unusable", "json", 2)
    counts.part("base64")
    counts.handler("describe", "done")
    counts.handler("describe", "hung", 2)
    counts.stored([row(1), row(2), row(3, "garden")])
    totals = counts.totals()
    assert (totals.received, totals.stored, totals.filtered) == (7, 3, {"snapshot_classes": 1})
    assert totals.cameras["drive"].number == 2
    assert totals.cameras["drive"].stored == 2
    assert totals.topics == {
        "t": Messages(received=4, stored=3, dropped=1),
        "u": Messages(received=3, no_picture=1, unusable=2),
    }
    assert totals.messages.received == totals.received == 7
    assert totals.unused == (Unused("u", "unusable", "json", 2),)
    assert line(totals) == (
        "7 messages: 3 stored, 0 repeated, 0 filtered, 1 no picture, 2 unusable (json: 2), "
        "1 dropped; best snapshots: 3 stored, 1 repeated, 2 amended, "
        "1 filtered (snapshot_classes: 1), 1 unusable parts (base64: 1); "
        "handler describe: 1 done, 0 failed, 2 hung, 0 dropped"
    )


def test_names_from_the_network_do_not_fill_the_memory() -> None:
    counts = Counts()
    for number in range(1000):
        counts.message(f"topic {number}" * 99, "unusable", f"kind {number}")
        counts.stored([row(number, f"camera {number}")])
    totals = counts.totals()
    assert len(totals.unusable) == MOST_KINDS + 1
    assert totals.unusable["other"] == 1000 - MOST_KINDS
    assert len(totals.topics) == MOST_TOPICS + 1
    assert len(totals.unused) <= MOST_REASONS + 1
    assert sum(one.number for one in totals.unused) == 1000
    assert max(map(len, totals.topics)) <= LONGEST_TOPIC
    assert len(totals.cameras) == MOST_CAMERAS
    assert "camera 999" in totals.cameras


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
        unusable={"json": 1},
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
