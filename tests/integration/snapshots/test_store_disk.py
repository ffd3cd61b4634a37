"""A disk that is really full, and one that is really read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.snapshot import BestSnapshot
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.index_writer import StoreLimits
from zmhook.snapshots.store.store import Store

pytestmark = pytest.mark.integration

BOUND = "-dac_override,-dac_read_search"


def mount(*args: object) -> bool:
    command = ["mount", *map(str, args)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", place):
        pytest.skip("optional: only root may mount a disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def snapshots(first: int, count: int) -> list[BestSnapshot]:
    return [
        BestSnapshot(
            camera="c",
            topic="t",
            format="f",
            track_id=str(n),
            taken=float(n),
            received=float(n),
            picture=b"\xff\xd8" + os.urandom(99_000) + b"\xff\xd9",
            monitor_id=1,
        )
        for n in range(first, first + count)
    ]


def fill(store: Store) -> int:
    """Store until it fails; return how many were acknowledged."""
    count = 0
    with contextlib.suppress(StoreError):
        while count < 300:
            count += len(store.add(snapshots(count, 3)))
    assert count < 300
    return count


def stuff(path: Path) -> None:
    """Write until the disk is full to the last block."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def assert_whole(folder: Path, count: int) -> None:
    with Index.open(folder) as index:
        rows = {row.file: row for row in index.rows(limit=-1)}
    assert len(rows) == count
    found = {str(path.relative_to(folder)): path for path in folder.glob("0*/[!s]*")}
    assert found.keys() == rows.keys()
    assert all(path.stat().st_size == rows[name].size for name, path in found.items())


def test_a_full_disk_keeps_what_is_stored_and_goes_on_when_there_is_room(disk: Path) -> None:
    filler = disk / "filler"
    filler.write_bytes(b"x" * 600_000)
    folder = disk / "snapshots"
    with Store.open(folder) as store:
        count = fill(store)
        assert count > 6
        assert_whole(folder, count)
        with pytest.raises(StoreError, match="the disk is full, nothing was stored: make room"):
            store.add(snapshots(count, 3))
        filler.unlink()
        (row, *_) = store.add(snapshots(count, 3))
        assert row.number == count
        assert_whole(folder, count + 3)


def test_a_full_disk_is_emptied_by_its_limits(disk: Path) -> None:
    folder = disk / "snapshots"
    with Store.open(folder, StoreLimits(max_count=5)) as store:
        count = fill(store)
        while store.tidy(0.0):
            pass
        assert_whole(folder, 5)
        assert store.add(snapshots(count, 1))[0].number == count


def test_the_reserve_is_left_free(disk: Path) -> None:
    folder = disk / "snapshots"
    with Store.open(folder, StoreLimits(reserve=1_500_000)) as store:
        fill(store)
        free = os.statvfs(disk)
        assert free.f_bavail * free.f_frsize >= 1_400_000


def test_a_store_is_opened_on_a_full_disk_or_says_why_not(disk: Path) -> None:
    folder = disk / "snapshots"
    with Store.open(folder) as store:
        count = fill(store)
    stuff(disk / "filler")
    with pytest.raises(StoreError, match="the disk is full") as caught:
        Store.open(folder).close()
    assert str(folder) in str(caught.value)
    (disk / "filler").unlink()
    Store.open(folder).close()
    assert_whole(folder, count)


def test_a_disk_that_becomes_read_only(disk: Path) -> None:
    folder = disk / "snapshots"
    with Store.open(folder) as store:
        store.add(snapshots(0, 2))
    assert mount("-o", "remount,ro", disk)
    with pytest.raises(StoreError, match="cannot be used: is it read-only"):
        Store.open(folder)
    assert_whole(folder, 2)  # reading goes on
    assert mount("-o", "remount,rw", disk)
    with Store.open(folder) as store:
        assert store.add(snapshots(2, 1))[0].number == 2


@pytest.mark.parametrize("in_use", [True, False])
def test_who_may_only_read_the_folder_finds_what_is_there(
    tmp_path: Path, root: Path, in_use: bool
) -> None:
    folder = tmp_path / "snapshots"
    store = Store.open(folder)
    store.add(snapshots(0, 2))
    if not in_use:
        store.close()
    folder.chmod(0o555)
    code = (
        "import sys\n"
        "from zmhook.snapshots.store.index import Index\n"
        "from zmhook.snapshots.store.store import Store\n"
        "index = Index.open(sys.argv[1])\n"
        "print(index.count(), len(index.overlapping(1, 0.0, 9.0)))\n"
        "Store.open(sys.argv[1])"
    )
    # Without these, permissions bind root too.
    bound = ["setpriv", f"--bounding-set={BOUND}", f"--inh-caps={BOUND}"]
    done = subprocess.run(
        [*(bound if os.geteuid() == 0 else []), sys.executable, "-c", code, folder],
        env={"PYTHONPATH": str(root / "hook"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    folder.chmod(0o755)
    store.close()
    assert done.stdout == "2 2\n", done.stderr
    reason = "another collector" if in_use else "it cannot be used: is it read-only"
    assert f"StoreError: {folder}: {reason}" in done.stderr
