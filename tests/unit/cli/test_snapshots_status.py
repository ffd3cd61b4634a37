"""`zmhook snapshots status`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.cli import snapshots
from zmhook.snapshots import status
from zmhook.snapshots.status import HandlerCounts, Last, Messages, Totals, Unused

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
        messages=Messages(received=2, stored=1, unusable=1),
        topics={"front/track": Messages(received=2, stored=1, unusable=1)},
        unused=(Unused("front/track", "unusable", "json", 1),),
        cameras={"drive": Last(7, "Human", 5.0, 1)},
        handlers={"describe": HandlerCounts(done=1)},
    ),
)


def shown(folder: Path, *more: str) -> int:
    config = folder / "objectconfig.ini"  # not this machine's own
    config.touch()
    return snapshots.main(["status", "-s", str(folder), "-c", str(config), *more])


def test_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status.write(tmp_path, WELL)
    assert shown(tmp_path) == 0
    out = capsys.readouterr().out
    assert f"(process {os.getpid()})" in out
    for text in (
        "127.0.0.1:1883: connected",
        "a/+",
        "drive",
        "unusable: json",
        "describe",
        "front/track",
        "Not stored",
    ):
        assert text in out


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ended": True}, "was stopped; last status"),
        ({"pid": 2**22 + 1}, "ended unexpectedly"),
        ({"connected": False}, "not connected since"),
        ({"problem": "no such host"}, "no such host"),
        (
            {"store_problem": "the disk is full", "waiting": 7},
            "the disk is full; 7 messages waiting",
        ),
    ],
)
def test_something_is_wrong(tmp_path: Path, capsys, change, says: str) -> None:
    status.write(tmp_path, structs.replace(WELL, **change))
    assert shown(tmp_path) == 1
    assert says in " ".join(capsys.readouterr().out.split())


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    status.write(tmp_path, WELL)
    assert shown(tmp_path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["topics"]["front/track"]["unusable"] == 1
    assert found["counts"]["unused"][0]["reason"] == "json"
    assert (found["running"], found["healthy"], found["counts"]["stored"]) == (True, True, 1)


def test_there_was_none_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(tmp_path) == 1
    assert "no collector has stored anything there yet" in capsys.readouterr().err
