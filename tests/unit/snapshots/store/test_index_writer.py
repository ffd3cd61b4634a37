import os
import sqlite3
import time

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.snapshot import Amendment
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.index_writer import IndexWriter, connect
from zmhook.snapshots.store.jsonl import JsonLines
from zmhook.snapshots.store.layout import INDEX
from zmhook.storage.corruption import damage_count


@pytest.fixture
def connection(tmp_path):
    connection = connect(tmp_path)
    yield connection
    connection.close()


def test_a_commit_is_on_the_disk_and_holds_no_reader_up(connection):
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_an_index_without_a_version_is_no_index(tmp_path, connection):
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    again = connect(tmp_path)
    assert again.execute("SELECT count(*) FROM meta").fetchone() == (0,)
    again.close()
    assert len(list(tmp_path.glob(f"{INDEX}.damaged-*"))) == 1


@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/nowhere")])
def test_what_is_no_file_is_set_aside_too(tmp_path, put):
    put(tmp_path / INDEX)
    with pytest.raises(StoreError, match="lies in its place"):
        Index.open(tmp_path)
    connect(tmp_path).close()
    assert len(list(tmp_path.glob(f"{INDEX}.damaged-*"))) == 1
    assert damage_count(tmp_path / INDEX).count == 1
    Index.open(tmp_path).close()


def test_a_lock_of_another_process_sets_nothing_aside(tmp_path, connection, monkeypatch):
    monkeypatch.setattr("zmhook.storage.sqlite.BUSY", 0.01)
    connection.execute("PRAGMA user_version = 0")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connect(tmp_path)
    assert not list(tmp_path.glob(f"{INDEX}.damaged-*"))


def test_another_file_under_its_name_is_noticed(tmp_path):
    writer = IndexWriter.open(tmp_path, JsonLines(tmp_path))
    assert writer.is_there()
    (tmp_path / INDEX).rename(tmp_path / "other")
    assert not writer.is_there()
    (tmp_path / INDEX).touch()
    assert not writer.is_there()
    writer.close()


@pytest.mark.parametrize(
    "sql", ["ALTER TABLE snapshots DROP COLUMN width", "DROP TABLE snapshots", "DROP TABLE meta"]
)
def test_tables_that_are_not_ours_are_made_again(tmp_path, connection, sql):
    if sql.startswith("ALTER") and sqlite3.sqlite_version_info < (3, 35):
        pytest.skip("optional: this SQLite cannot drop a column")
    connection.execute(sql)
    connection.close()
    again = connect(tmp_path)
    assert again.execute("SELECT count(width) FROM snapshots").fetchone() == (0,)
    assert again.execute("SELECT count(*) FROM meta").fetchone() == (0,)
    again.close()


def amendment(**fields):
    return Amendment(**{"camera": "front", "channel": 1, "track_id": "8", "ended": True, **fields})


@pytest.fixture
def amended(store, snapshot, folder):
    """Store snapshots of track 8, each received so many seconds ago; return who is amended."""

    def amend(message, *tracks):
        now = time.time()
        store.add(
            [
                snapshot(**{"track_id": "8", "label": "", "received": now - ago, **fields})
                for ago, fields in tracks
            ]
        )
        changed = store.amend([message])
        with Index.open(folder) as index:
            rows = sorted(index.rows(), key=lambda row: row.number)
        numbers = [row.number for row in rows if row.label == "Car" or row.track_id == "2"]
        assert numbers == sorted(row.number for row in changed)
        return numbers

    return amend


def test_all_pictures_of_the_track_are_amended(amended):
    assert amended(amendment(label="Car"), (5, {}), (3, {}), (2, {"track_id": "9"})) == [0, 1]


@pytest.mark.parametrize("other", [{"camera": "gate"}, {"channel": None}, {"track_id": "88"}])
def test_another_track_is_not(amended, other):
    assert amended(amendment(label="Car", **other), (5, {})) == []


def test_a_track_may_be_named_anew(amended, folder):
    assert amended(amendment(renamed_to="2"), (5, {})) == [0]
    with Index.open(folder) as index:
        assert index.get(0).track_id == "2"


def test_a_track_of_yesterday_with_the_same_short_name_is_left_alone(amended):
    message = amendment(label="Car")
    assert amended(message, (90_000, {}), (700, {"ended": True}), (5, {})) == [2]


def test_what_has_just_ended_may_still_be_amended(amended):
    assert amended(amendment(label="Car"), (60, {"ended": True})) == [0]


def test_a_track_that_began_at_another_time_is_another(amended):
    tracks = [(50, {"start": 100.0}), (40, {"start": 101.0}), (5, {"start": 500.0})]
    assert amended(amendment(label="Car", start=100.5), *tracks) == [0, 1]


def test_without_a_start_the_last_track_is_meant(amended):
    tracks = [(50, {"start": 100.0}), (5, {"start": 500.0})]
    assert amended(amendment(label="Car"), *tracks) == [1]


def test_no_name_no_track(amended):
    assert amended(amendment(label="Car", track_id=""), (5, {"track_id": ""})) == []
