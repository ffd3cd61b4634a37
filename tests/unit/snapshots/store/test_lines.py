import errno
import os

import pytest
from msgspec import structs

from zmhook.snapshots.snapshot import Row
from zmhook.snapshots.store import lines
from zmhook.snapshots.store.lines import Lines


def row(number, **fields):
    given = {
        "number": number,
        "file": "f",
        "size": 1,
        "sha256": "ab",
        "camera": "c",
        "topic": "t",
        "format": "f",
        "track_id": "x",
        "taken": 1.0,
        "received": 2.0,
    }
    return Row(**{**given, **fields})


def test_each_folder_has_its_own_lines(tmp_path):
    Lines(tmp_path).append([row(1), row(1024), row(2)], durable=True)
    assert lines.read(tmp_path / "0000" / lines.NAME) == {1: row(1), 2: row(2)}
    assert lines.read(tmp_path / "0001" / lines.NAME) == {1024: row(1024)}
    assert lines.highest(tmp_path) == 1024


def test_the_last_line_of_a_number_counts(tmp_path):
    writer = Lines(tmp_path)
    writer.append([row(1), row(2)])
    writer.append([row(1, label="Car")])
    assert lines.read(tmp_path / "0000" / lines.NAME)[1].label == "Car"


def test_no_file_no_lines(tmp_path):
    assert lines.read(tmp_path / lines.NAME) == {}
    assert lines.highest(tmp_path) == -1


@pytest.mark.parametrize("broken", [b'{"number":2,', b"\xff\xfe\n", b"[1]\n", b'{"number":"x"}\n'])
def test_a_broken_line_spoils_no_other(tmp_path, broken):
    writer = Lines(tmp_path)
    writer.append([row(1)])
    path = tmp_path / "0000" / lines.NAME
    with path.open("ab") as file:
        file.write(broken)
    writer.append([row(3)])
    assert lines.read(path) == {1: row(1), 3: row(3)}


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    writer = Lines(tmp_path)
    writer.append([row(1)])
    path = tmp_path / "0000" / lines.NAME
    before = path.read_bytes()
    write, calls = os.write, []

    def half(descriptor, data):
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(data)[:10])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        writer.append([row(2)])
    assert path.read_bytes() == before


def test_a_file_that_grows_by_changes_is_shortened(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_FILE", 5_000)
    writer = Lines(tmp_path)
    last = {}
    for turn in range(100):
        changed = row(turn % 5, label=str(turn))
        writer.append([changed])
        last[changed.number] = changed
    path = tmp_path / "0000" / lines.NAME
    assert path.stat().st_size <= 6_000
    assert lines.read(path) == last


def test_long_lines_are_not_written_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_FILE", 1_000)
    shortened = []
    real = lines._shorten
    monkeypatch.setattr(lines, "_shorten", lambda path: shortened.append(path) or real(path))
    writer = Lines(tmp_path)
    for number in range(64):
        writer.append([structs.replace(row(number), camera="c" * 500)])
    assert len(shortened) <= 7
    assert len(lines.read(tmp_path / "0000" / lines.NAME)) == 64
