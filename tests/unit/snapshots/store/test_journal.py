import time

import pytest
from msgspec import structs

from zmhook.snapshots.store import rows
from zmhook.snapshots.store.journal import LONGEST_LINE, Journal

NOON = time.mktime((2026, 3, 20, 12, 0, 7, 0, 0, -1))
DAY = 86_400


@pytest.fixture
def row(snapshot):
    stored = {"number": 5, "file": "0000/image_00005_Human.jpg", "size": 4, "sha256": "ab"}
    return rows.from_snapshot(snapshot(score=0.744), **stored)


def test_a_line_for_each_snapshot_in_the_log_of_the_day(tmp_path, row):
    journal = Journal(tmp_path)
    journal.stored([row, structs.replace(row, score=None, label="", camera="")], NOON)
    assert (tmp_path / "2026-03-20.log").read_text().splitlines() == [
        "2026-03-20 12:00:07 front Human 74% 0000/image_00005_Human.jpg",
        "2026-03-20 12:00:07 - unknown 0000/image_00005_Human.jpg",
    ]


def test_what_a_handler_said_follows(tmp_path, row):
    said = structs.replace(row, description={"description": "a man\nwith a dog", "alarm": "no"})
    Journal(tmp_path).described(said, NOON)
    (line,) = (tmp_path / "2026-03-20.log").read_text().splitlines()
    assert line.endswith("image_00005_Human.jpg: description a man with a dog, alarm no")


def test_names_from_the_network_do_not_reach_a_terminal(tmp_path, row):
    journal = Journal(tmp_path)
    journal.stored([structs.replace(row, camera="\x1b[2Jx\n2026 forged", label="y" * 5000)], NOON)
    (line,) = (tmp_path / "2026-03-20.log").read_text().splitlines()
    assert "\x1b" not in line
    assert len(line) == LONGEST_LINE


def test_nothing_stored_makes_no_log(tmp_path):
    Journal(tmp_path).stored([], NOON)
    assert list(tmp_path.iterdir()) == []


def test_old_logs_go_and_others_files_stay(tmp_path, row):
    journal = Journal(tmp_path)
    for days in (0, 1, 2):
        journal.stored([row], NOON - days * DAY)
    (tmp_path / "2025-10-01-09-30.log").write_text("the earlier script's")
    journal.forget(before=NOON - DAY)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2025-10-01-09-30.log",
        "2026-03-19.log",
        "2026-03-20.log",
    ]
