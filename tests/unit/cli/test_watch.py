"""`zmhook watch`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from msgspec import structs

from zmhook.cli.watch import main, make_parser
from zmhook.storage.lock import lock_file
from zmhook.watch import status
from zmhook.watch.position import Position

STATUS = status.WatchStatus(
    position=Position(portal="http://user:secret@zm/zm", mark=7, answered=1.0),
    pid=4711,
    at=2.0,
    since=1.0,
    last_event=7,
    last_time=2.0,
    counts=status.EventCounts(alarm=11, nothing=22, old=33),
)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "o.ini"
    path.write_text(f"[general]\nbase_data_path = {tmp_path}\n")
    (tmp_path / "state").mkdir()
    return str(path)


def test_all_is_well(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status.write(tmp_path / "state", STATUS)
    lock = lock_file(tmp_path / "state" / status.LOCK)
    assert lock is not None
    assert main(["status", "-c", config]) == 0
    out = capsys.readouterr().out
    for text in ("is running (process 4711)", "zm/zm: answers", "last event: 7", "11", "22", "33"):
        assert text in out
    assert "secret" not in out
    os.close(lock)
    assert main(["status", "-c", config]) == 1
    assert "is not running: it ended unexpectedly" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "says"),
    [({"problem": "http://zm/zm: refused"}, "refused"), ({"ended": True}, "was stopped")],
)
def test_not_all_is_well(change, says: str, config: str, tmp_path: Path, capsys) -> None:
    status.write(tmp_path / "state", structs.replace(STATUS, **change))
    assert main(["status", "-c", config]) == 1
    assert says in capsys.readouterr().out


def test_json(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status.write(tmp_path / "state", STATUS)
    assert main(["status", "--json", "-c", config]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["running"] is False
    assert said["counts"]["nothing"] == 22


def test_it_has_never_run(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "-c", config]) == 1
    assert capsys.readouterr().out.startswith("zmhook watch has not run yet. ")
    assert main(["status", "-c", config, "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"running": False}


def test_without_a_portal_it_does_not_start(config: str, capsys) -> None:
    assert main(["run", "-c", config]) == 1
    assert "[general] portal is empty" in capsys.readouterr().err


def test_the_unit_starts_it(root: Path) -> None:
    unit = (root / "systemd" / "zmhook-watch.service").read_text()
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    words = command.partition("=")[2].split()
    assert words[:2] == ["@ZMHOOK@", "watch"]
    assert make_parser().parse_args(words[2:]).config == "@CONFIG@"
    assert "Restart=always" in unit
