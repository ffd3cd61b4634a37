from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

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
    at, user = mount_point(tmp_path), disk.user(os.geteuid())
    assert said.startswith(f"{folder}: {words.format(at=at, user=user)}")


def test_no_files_left(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(disk, "free", lambda _: (1 << 30, 0))
    assert "can hold no more files (df -i)" in trouble(OSError(errno.ENOSPC, "full"), tmp_path)


def test_another_users_folder_says_whose_it_is(tmp_path: Path) -> None:
    said = trouble(OSError(errno.EACCES, "Permission denied", "/a/b"), tmp_path)
    me = disk.user(os.geteuid())
    assert said.startswith(f"/a/b: {me} may not write there, it belongs to {me}: run the hook as")


def test_where_a_disk_begins(tmp_path: Path) -> None:
    assert mount_point(Path("/proc/self/task")) == Path("/proc")
    assert existing(tmp_path / "a" / "b") == tmp_path
    assert free(tmp_path)[0] > 0


def test_a_user_without_a_name() -> None:
    assert disk.user(4_000_000_000) == "user 4000000000"
