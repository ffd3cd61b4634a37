"""What a running service remembers is truncated, overwritten, deleted or replaced: it says so."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.attack

DECIDED = (0, 1)
"""The exit code: what stands there all the time rings once."""
TIMEOUT = 60
"""Seconds that only end a hang."""


def garble(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\xa5" * size)


def removed(path: Path) -> Path:
    """Remove whatever lies there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


def as_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(removed(path)))


FAULTS: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, 0),
    "halved": lambda path: os.truncate(path, path.stat().st_size // 8192 * 4096),
    "overwritten": garble,
    "deleted": removed,
    "a FIFO": lambda path: os.mkfifo(removed(path)),
    "a folder": lambda path: removed(path).mkdir(),
    "a socket": as_socket,
    "a link that leads nowhere": lambda path: removed(path).symlink_to("/nonexistent"),
    "a device": lambda path: removed(path).symlink_to("/dev/zero"),
}


def history(site: Any, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zmhook.cli.main", "history", *args, "-c", site.config],
        env={**os.environ, **site.env, "PYTHONPATH": str(site.root / "hook")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def recorded(site: Any) -> list[int]:
    said = history(site, "list", "--json")
    return [one["event_id"] for one in json.loads(said.stdout)] if said.returncode == 0 else []


@pytest.mark.parametrize("name", ["history.sqlite", "past.sqlite"])
def test_the_next_event_finds_it(name: str, site: Any, attack: Any) -> None:
    site.write(general="models = yolo", rest="[gate]\nmatch_past_detections = yes\n")
    site.warm()
    state = site.folder / "data"
    site.until(lambda: list(state.rglob(name)))
    (path,) = state.rglob(name)
    for number, (fault, harm) in enumerate(FAULTS.items(), 100):
        with attack(f"{name}: {fault}"):
            befall(site, path, harm, number)
    assert str(path) in site.log()


def befall(site: Any, path: Path, harm: Callable[[Path], object], number: int) -> None:
    """Do harm, have an event, and look whether it was told, or nothing was lost by it.

    What SQLite has in its log, it writes once more over what was harmed.
    """
    told, known = times(site, path), set(recorded(site))
    harm(path)
    history(site, "list")  # does not hang, whatever it says
    assert site.hook(site.event(number=number), number=number).code in DECIDED
    site.until(lambda: number in recorded(site))
    assert times(site, path) > told or known < set(recorded(site))
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def times(site: Any, path: Path) -> int:
    """How often the service says that the database was damaged."""
    count: int = site.status()["damaged"].get(str(path), {"count": 0})["count"]
    return count
