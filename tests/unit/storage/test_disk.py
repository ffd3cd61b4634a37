from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from zmhook.process.privilege import name_of
from zmhook.storage import disk
from zmhook.storage.disk import existing, free, mount_point, trouble


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk at {at} is full: make room"),
        (errno.EDQUOT, "the disk at {at} gives {user} no more room (quota)"),
        (errno.EROFS, "the disk at {at} is read-only"),
        (errno.EFBIG, "the size of files is limited (ulimit -f)"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_is_wrong_names_folder_and_disk(number: int, words: str, tmp_path: Path) -> None:
    folder = tmp_path / "state" / "spool"
    said = trouble(OSError(number, os.strerror(number)), folder)
    at, user = mount_point(tmp_path), name_of(os.geteuid())
    assert said.startswith(f"{folder}: {words.format(at=at, user=user)}")


def test_no_files_left(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(disk, "free", lambda _: (1 << 30, 0))
    assert "can hold no more files (df -i)" in trouble(OSError(errno.ENOSPC, "full"), tmp_path)


def test_another_users_folder_says_whose_it_is(tmp_path: Path) -> None:
    said = trouble(OSError(errno.EACCES, "Permission denied", "/a/b"), tmp_path)
    me = name_of(os.geteuid())
    assert said.startswith(f"/a/b: {me} may not write there, it belongs to {me}: run the hook as")


def test_where_a_disk_begins(tmp_path: Path) -> None:
    assert mount_point(Path("/proc/self/task")) == Path("/proc")
    assert existing(tmp_path / "a" / "b") == tmp_path
    assert free(tmp_path)[0] > 0


def test_it_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    disk.keep_reserve(tmp_path)
    made = list(tmp_path.iterdir())
    assert len(made) == disk.FILES
    assert {path.stat().st_size for path in made} == {disk.BYTES}
    assert all(path.stat().st_blocks * 512 >= disk.BYTES for path in made)
    disk.keep_reserve(tmp_path)
    assert disk.release_reserve(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not disk.release_reserve(tmp_path)


@pytest.mark.parametrize("free", [(1 << 20, None), (1 << 40, 10)])
def test_it_takes_no_room_where_there_is_little(free, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(disk, "free", lambda _: free)
    disk.keep_reserve(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "posix_fallocate", full)
    disk.keep_reserve(tmp_path)
    assert list(tmp_path.iterdir()) == []
    disk.keep_reserve(tmp_path / "nothing")
