from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from zmhook.detectors.face import store
from zmhook.detectors.face.store import FaceEntry, folder_lock
from zmhook.errors import TrainingError


def entry(path, reason="", value=0.25):
    encoding = None if reason else np.full(128, value, np.float32)
    return FaceEntry(
        path, 1234, 1_700_000_000_123_456_789, "ab" * 32, "hog size=1600", reason, encoding
    )


ROWS = [
    entry("anna/1.jpg", value=0.1),
    entry("anna/2.jpg", "no face"),
    entry("Łu K/ü.png", value=0.3),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "faces.npz"
    store.write(path, ROWS)
    return path


def test_what_is_written_is_read(file):
    entries = store.read(file)
    assert list(entries) == ["anna/1.jpg", "anna/2.jpg", "Łu K/ü.png"]
    for row in ROWS:
        assert entries[row.path][:-1] == row[:-1]
        if row.encoding is None:
            assert entries[row.path].encoding is None
        else:
            assert np.array_equal(entries[row.path].encoding, row.encoding)


def test_no_file_is_no_entries(tmp_path):
    assert store.read(tmp_path / "faces.npz") == {}


def test_an_empty_store_can_be_written_and_read(tmp_path):
    store.write(tmp_path / "faces.npz", [])
    assert store.read(tmp_path / "faces.npz") == {}


def test_only_usable_pictures_are_compared_with(file):
    known = store.known(store.read(file))
    assert known.people == ("anna", "Łu K")
    assert known.sources == ("anna/1.jpg", "Łu K/ü.png")
    assert known.encodings[:, 0] == pytest.approx([0.1, 0.3])


def test_a_name_that_is_not_utf8_is_kept_in_the_file_and_made_harmless_outside(tmp_path):
    path = os.fsdecode(b"b\xf6b/1.jpg")
    store.write(tmp_path / "faces.npz", [entry(path)])
    entries = store.read(tmp_path / "faces.npz")
    assert list(entries) == [path]
    assert store.known(entries).people == ("b�b",)


def test_nothing_in_the_file_is_pickled(file):
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                assert b"'|O'" not in member.read(128)


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.9, -1])
def test_a_cut_file_is_damaged(file, keep):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(TrainingError, match=r"faces\.npz is damaged"):
        store.read(file)


def test_every_changed_byte_is_noticed_or_harmless(file):
    data = bytearray(file.read_bytes())
    noticed = 0
    for i in range(0, len(data), 37):
        changed = data.copy()
        changed[i] ^= 0xFF
        file.write_bytes(changed)
        try:
            assert len(store.read(file)) == len(ROWS)
        except TrainingError:
            noticed += 1
    assert noticed > len(data) / 37 * 0.7


@pytest.mark.parametrize(
    "change",
    [
        {"format": np.int64(99)},
        {"encodings": np.zeros((1, 128), np.float32)},
        {"encodings": np.zeros((2, 64), np.float32)},
        {"encodings": np.full((2, 128), np.nan, np.float32)},
        {"size": np.zeros(1, np.int64)},
        {"reason": None},
    ],
)
def test_arrays_that_do_not_belong_together_are_damage(file, change):
    with np.load(file) as read:
        arrays = dict(read) | change
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(TrainingError, match="is damaged"):
        store.read(file)


def test_pickled_arrays_are_refused(file):
    with np.load(file) as read:
        arrays = dict(read)
    arrays["path"] = arrays["path"].astype(object)
    np.savez(file, **arrays)
    with pytest.raises(TrainingError, match="is damaged"):
        store.read(file)


def test_a_folder_in_its_place_is_told(tmp_path):
    (tmp_path / "faces.npz").mkdir()
    with pytest.raises(TrainingError, match=r"faces\.npz cannot be read: Is a directory"):
        store.read(tmp_path / "faces.npz")


HOLD = (
    "import sys\n"
    "from pathlib import Path\n"
    "from zmhook.detectors.face.store import folder_lock\n"
    "with folder_lock(Path(sys.argv[1]), 0) as mine:\n"
    "    print(mine, flush=True)\n"
    "    sys.stdin.read()\n"
)


def other_process(root, folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        env={"PYTHONPATH": str(root / "hook")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    return process


def test_another_process_keeps_us_out_for_as_long_as_we_wait(root, tmp_path):
    with other_process(root, tmp_path) as holder:
        started = time.monotonic()
        with folder_lock(tmp_path, 0.3) as mine:
            assert not mine
        assert time.monotonic() - started >= 0.3
        holder.communicate()
    with folder_lock(tmp_path, 0) as mine:
        assert mine


def test_the_lock_of_a_killed_process_is_free(root, tmp_path):
    with other_process(root, tmp_path) as holder:
        holder.kill()
        holder.wait()
    with folder_lock(tmp_path, 0) as mine:
        assert mine


def test_it_waits_for_the_other_to_end(root, tmp_path):
    with other_process(root, tmp_path) as holder:
        holder.stdin.close()
        with folder_lock(tmp_path, 10) as mine:
            assert mine


def test_nothing_is_left_in_the_folder(tmp_path):
    with folder_lock(tmp_path, 0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_needs_no_lock(tmp_path):
    with folder_lock(tmp_path / "none", 0) as mine:
        assert mine


def test_a_file_system_without_locks_does_not_stop_the_training(tmp_path, monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with folder_lock(tmp_path, 0) as mine:
        assert mine
