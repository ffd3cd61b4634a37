from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from zmhook.storage.regular import discard, read


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    assert read(tmp_path / "a") == read(tmp_path / "a", 4) == b"1234"


def test_a_larger_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    with pytest.raises(OSError, match="more than 3 bytes") as refused:
        read(tmp_path / "a", 3)
    assert refused.value.errno == errno.EFBIG


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/fd", "fifo", "link"])
def test_what_is_no_file_is_refused_at_once(path: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match=path):
        read(tmp_path / path)


def test_discarding(tmp_path: Path) -> None:
    file, folder, full, link = (tmp_path / name for name in ("a", "b", "c", "d"))
    file.touch()
    folder.mkdir()
    (full / "x").mkdir(parents=True)
    link.symlink_to(full)
    for path in (file, folder, link, tmp_path / "nothing"):
        discard(path)
    with pytest.raises(OSError, match="not empty"):
        discard(full)
    assert list(tmp_path.iterdir()) == [full]
