import errno
import os

import pytest
from msgspec import structs

from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.store import jsonl
from zmhook.snapshots.store.jsonl import JsonLines


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
    return StoredSnapshot(**{**given, **fields})


def test_each_folder_has_its_own_lines(tmp_path):
    JsonLines(tmp_path).append([row(1), row(1024), row(2)], durable=True)
    assert jsonl.read(tmp_path / "0000" / jsonl.NAME) == {1: row(1), 2: row(2)}
    assert jsonl.read(tmp_path / "0001" / jsonl.NAME) == {1024: row(1024)}
    assert jsonl.highest(tmp_path) == 1024


def test_the_last_line_of_a_number_counts(tmp_path):
    writer = JsonLines(tmp_path)
    writer.append([row(1), row(2)])
    writer.append([row(1, label="Car")])
    assert jsonl.read(tmp_path / "0000" / jsonl.NAME)[1].label == "Car"


def test_no_file_no_lines(tmp_path):
    assert jsonl.read(tmp_path / jsonl.NAME) == {}
    assert jsonl.highest(tmp_path) == -1


@pytest.mark.parametrize("broken", [b'{"number":2,', b"\xff\xfe\n", b"[1]\n", b'{"number":"x"}\n'])
def test_a_broken_line_spoils_no_other(tmp_path, broken):
    writer = JsonLines(tmp_path)
    writer.append([row(1)])
    path = tmp_path / "0000" / jsonl.NAME
    with path.open("ab") as file:
        file.write(broken)
    writer.append([row(3)])
    assert jsonl.read(path) == {1: row(1), 3: row(3)}


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    writer = JsonLines(tmp_path)
    writer.append([row(1)])
    path = tmp_path / "0000" / jsonl.NAME
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
    monkeypatch.setattr(jsonl, "LONGEST_FILE", 5_000)
    writer = JsonLines(tmp_path)
    last = {}
    for turn in range(100):
        changed = row(turn % 5, label=str(turn))
        writer.append([changed])
        last[changed.number] = changed
    path = tmp_path / "0000" / jsonl.NAME
    assert path.stat().st_size <= 6_000
    assert jsonl.read(path) == last


def test_long_lines_are_not_written_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "LONGEST_FILE", 1_000)
    shortened = []
    real = jsonl._shorten
    monkeypatch.setattr(jsonl, "_shorten", lambda path: shortened.append(path) or real(path))
    writer = JsonLines(tmp_path)
    for number in range(64):
        writer.append([structs.replace(row(number), camera="c" * 500)])
    assert len(shortened) <= 7
    assert len(jsonl.read(tmp_path / "0000" / jsonl.NAME)) == 64
