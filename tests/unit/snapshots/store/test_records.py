import errno
import os
import time

import pytest
from msgspec import structs

from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.store import records, rows
from zmhook.snapshots.store.records import LONGEST_LINE, Journal, JsonLines


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
    assert records.read(tmp_path / "0000" / records.NAME) == {1: row(1), 2: row(2)}
    assert records.read(tmp_path / "0001" / records.NAME) == {1024: row(1024)}
    assert records.highest(tmp_path) == 1024


def test_the_last_line_of_a_number_counts(tmp_path):
    writer = JsonLines(tmp_path)
    writer.append([row(1), row(2)])
    writer.append([row(1, label="Car")])
    assert records.read(tmp_path / "0000" / records.NAME)[1].label == "Car"


def test_no_file_no_lines(tmp_path):
    assert records.read(tmp_path / records.NAME) == {}
    assert records.highest(tmp_path) == -1


@pytest.mark.parametrize("broken", [b'{"number":2,', b"\xff\xfe\n", b"[1]\n", b'{"number":"x"}\n'])
def test_a_broken_line_spoils_no_other(tmp_path, broken):
    writer = JsonLines(tmp_path)
    writer.append([row(1)])
    path = tmp_path / "0000" / records.NAME
    with path.open("ab") as file:
        file.write(broken)
    writer.append([row(3)])
    assert records.read(path) == {1: row(1), 3: row(3)}


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    writer = JsonLines(tmp_path)
    writer.append([row(1)])
    path = tmp_path / "0000" / records.NAME
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
    monkeypatch.setattr(records, "LONGEST_FILE", 5_000)
    writer = JsonLines(tmp_path)
    last = {}
    for turn in range(100):
        changed = row(turn % 5, label=str(turn))
        writer.append([changed])
        last[changed.number] = changed
    path = tmp_path / "0000" / records.NAME
    assert path.stat().st_size <= 6_000
    assert records.read(path) == last


def test_long_lines_are_not_written_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LONGEST_FILE", 1_000)
    shortened = []
    real = records._shorten
    monkeypatch.setattr(records, "_shorten", lambda path: shortened.append(path) or real(path))
    writer = JsonLines(tmp_path)
    for number in range(64):
        writer.append([structs.replace(row(number), camera="c" * 500)])
    assert len(shortened) <= 7
    assert len(records.read(tmp_path / "0000" / records.NAME)) == 64


NOON = time.mktime((2026, 3, 20, 12, 0, 7, 0, 0, -1))
DAY = 86_400


@pytest.fixture
def stored_row(snapshot):
    stored = {"number": 5, "file": "0000/image_00005_Human.jpg", "size": 4, "sha256": "ab"}
    return rows.from_snapshot(snapshot(score=0.744), **stored)


def test_a_line_for_each_snapshot_in_the_log_of_the_day(tmp_path, stored_row):
    journal = Journal(tmp_path)
    journal.stored([stored_row, structs.replace(stored_row, score=None, label="", camera="")], NOON)
    assert (tmp_path / "2026-03-20.log").read_text().splitlines() == [
        "2026-03-20 12:00:07 front Human 74% 0000/image_00005_Human.jpg",
        "2026-03-20 12:00:07 - unknown 0000/image_00005_Human.jpg",
    ]


def test_what_a_handler_said_follows(tmp_path, stored_row):
    said = structs.replace(
        stored_row, description={"description": "a man\nwith a dog", "alarm": "no"}
    )
    Journal(tmp_path).described(said, NOON)
    (line,) = (tmp_path / "2026-03-20.log").read_text().splitlines()
    assert line.endswith("image_00005_Human.jpg: description a man with a dog, alarm no")


def test_names_from_the_network_do_not_reach_a_terminal(tmp_path, stored_row):
    journal = Journal(tmp_path)
    journal.stored(
        [structs.replace(stored_row, camera="\x1b[2Jx\n2026 forged", label="y" * 5000)], NOON
    )
    (line,) = (tmp_path / "2026-03-20.log").read_text().splitlines()
    assert "\x1b" not in line
    assert len(line) == LONGEST_LINE


def test_nothing_stored_makes_no_log(tmp_path):
    Journal(tmp_path).stored([], NOON)
    assert list(tmp_path.iterdir()) == []


def test_old_logs_go_and_others_files_stay(tmp_path, stored_row):
    journal = Journal(tmp_path)
    for days in (0, 1, 2):
        journal.stored([stored_row], NOON - days * DAY)
    (tmp_path / "2025-10-01-09-30.log").write_text("the earlier script's")
    journal.forget(before=NOON - DAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2025-10-01-09-30.log",
        "2026-03-19.log",
        "2026-03-20.log",
    ]
