import errno
import os

import pytest

from zmhook.snapshots.store import files
from zmhook.snapshots.store.files import NewFile, PictureWriter

NEW = [
    NewFile(1023, "0000/image_01023_a.jpg", b"one"),
    NewFile(1024, "0001/image_01024_b.jpg", b"two"),
]


def found(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_pictures_have_their_names_only_when_they_are_whole(tmp_path):
    writing = PictureWriter(tmp_path, NEW)
    writing.fill()
    assert sorted(found(tmp_path)) == ["0000/.image_01023.tmp", "0001/.image_01024.tmp"]
    writing.show()
    assert found(tmp_path) == {file.file: file.data for file in NEW}
    assert (tmp_path / NEW[0].file).stat().st_nlink == 1


def test_what_is_undone_leaves_nothing(tmp_path):
    writing = PictureWriter(tmp_path, NEW)
    writing.fill()
    writing.show()
    writing.undo()
    assert found(tmp_path) == {}


def test_a_name_that_is_taken_stays_its_owners(tmp_path):
    (tmp_path / "0001").mkdir()
    (tmp_path / NEW[1].file).write_bytes(b"somebody's")
    writing = PictureWriter(tmp_path, NEW)
    writing.fill()
    with pytest.raises(FileExistsError):
        writing.show()
    writing.undo()
    assert found(tmp_path) == {NEW[1].file: b"somebody's"}


def test_a_disk_that_fills_up_on_the_way_is_left_as_it_was(tmp_path, monkeypatch):
    write = os.write
    left = [4]

    def some(descriptor, data):
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 2
        return write(descriptor, bytes(data)[:2])

    monkeypatch.setattr(os, "write", some)
    writing = PictureWriter(tmp_path, NEW)
    with pytest.raises(OSError, match="No space"):
        writing.fill()
    writing.undo()
    assert found(tmp_path) == {}


def test_a_write_may_take_several_calls(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:1]))
    writing = PictureWriter(tmp_path, NEW)
    writing.fill()
    writing.show()
    assert found(tmp_path) == {file.file: file.data for file in NEW}


def test_more_files_than_may_be_open(tmp_path):
    new = [NewFile(n, f"0000/image_{n:05d}_x.jpg", b"%d" % n) for n in range(3 * files.AT_ONCE + 1)]
    writing = PictureWriter(tmp_path, new)
    writing.fill()
    writing.show()
    assert found(tmp_path) == {file.file: file.data for file in new}


def test_without_links_nothing_is_replaced_either(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"x")
    files.rename(old, new)
    assert found(tmp_path) == {"new": b"x"}
    old.write_bytes(b"y")
    with pytest.raises(FileExistsError):
        files.rename(old, new)
    assert found(tmp_path) == {"new": b"x", "old": b"y"}


def test_another_trouble_with_links_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.rename(tmp_path / "none", tmp_path / "new")


def test_a_c_library_without_the_call_only_costs_time(tmp_path, monkeypatch):
    monkeypatch.setattr(files.ctypes, "CDLL", lambda _: object())
    files._start_writing.cache_clear()
    try:
        writing = PictureWriter(tmp_path, NEW)
        writing.fill()
        writing.show()
    finally:
        files._start_writing.cache_clear()
    assert found(tmp_path) == {file.file: file.data for file in NEW}
