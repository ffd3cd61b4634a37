"""The store's writer killed at any moment: what it acknowledged is there, once, and whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.store import Store

pytestmark = pytest.mark.integration

SIZE = 30_000

# Stores batches of pictures from the track named on, and says the last one's number after each.
WRITER = f"""
import sys
from zmhook.snapshots.snapshot import BestSnapshot
from zmhook.snapshots.store.store import Store
store = Store.open(sys.argv[1])
track = int(sys.argv[2])
print("open", flush=True)
while True:
    batch = [
        BestSnapshot(
            camera="c", topic="t", format="f", track_id=str(n), taken=float(n), received=float(n),
            picture=b"\\xff\\xd8" + b"%010d" % n * {SIZE // 10} + b"\\xff\\xd9",
            monitor_id=1, label="Human",
        )
        for n in range(track, track + 7)
    ]
    store.add(batch)
    track += 7
    print(track, flush=True)
"""


@pytest.fixture
def writer(root: Path) -> Iterator[Callable[[Path, int], subprocess.Popen[str]]]:
    """Start a process that stores without end."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path, track: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRITER, str(folder), str(track)]
        env = {"PYTHONPATH": str(root / "hook"), "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "open\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kill it, and return what it still said."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    return process.stdout.read().split()


def picture(track: int) -> bytes:
    return b"\xff\xd8" + b"%010d" % track * (SIZE // 10) + b"\xff\xd9"


def test_nothing_acknowledged_is_lost_or_there_twice(tmp_path: Path, writer) -> None:
    folder = tmp_path / "snapshots"
    chance = random.Random(4)
    acknowledged = 0
    for _ in range(8):
        # The broker delivers what it was not told about again, and a batch that was stored.
        process = writer(folder, max(0, acknowledged - 7))
        for _ in range(chance.randrange(1, 12)):
            process.stdout.readline()
        signal_after = chance.random() * 0.01
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(signal_after)
        said = kill(process)
        with Index.open(folder) as index:
            count = index.count()
        acknowledged = max(count, *map(int, said), acknowledged) if said else count
    with Store.open(folder), Index.open(folder) as index:
        rows = sorted(index.rows(limit=-1), key=lambda row: row.number)
    tracks = [int(row.track_id) for row in rows]
    assert [row.number for row in rows] == list(range(len(rows))), "numbering is unbroken"
    assert sorted(tracks) == list(range(len(rows))), "each track once"
    assert len(rows) >= acknowledged > 50
    assert all((folder / row.file).read_bytes() == picture(int(row.track_id)) for row in rows)
    files = {
        str(path.relative_to(folder)) for path in folder.glob("*/*") if path.suffix != ".jsonl"
    }
    assert files == {row.file for row in rows}, "no half picture is left"


def test_a_reader_beside_the_writer_sees_whole_pictures_only(tmp_path: Path, writer) -> None:
    folder = tmp_path / "snapshots"
    process = writer(folder, 0)
    seen = versions = 0
    with Index.open(folder) as index:
        version = index.version()
        while seen < 200:
            if index.version() == version:
                continue
            version, versions = index.version(), versions + 1
            rows = index.overlapping(1, float(seen), 1e12)
            assert all(
                (folder / row.file).read_bytes() == picture(int(row.track_id)) for row in rows
            )
            seen = index.count()
    assert versions > 5
    kill(process)


def test_one_writer_at_a_time_and_the_next_when_it_is_gone(tmp_path: Path, writer) -> None:
    folder = tmp_path / "snapshots"
    process = writer(folder, 0)
    with pytest.raises(StoreError, match=f"{folder}: another collector"):
        Store.open(folder)
    kill(process)
    Store.open(folder).close()
