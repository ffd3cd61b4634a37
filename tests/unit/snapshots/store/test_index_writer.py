import os
import sqlite3
import time

import pytest

from zmhook.errors import StoreError
from zmhook.settings import Snapshots
from zmhook.snapshots.snapshot import Amendment
from zmhook.snapshots.store import index_writer, records
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.index_writer import IndexWriter, StoreLimits, connect
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.records import JsonLines
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


AT = 1_700_000_000.0


def left(folder):
    with Index.open(folder) as index:
        rows = sorted(row.number for row in index.rows(limit=-1))
    files = sorted(int(path.name[6:11]) for path in folder.glob("*/image_*"))
    assert rows == files
    return rows


@pytest.fixture
def filled(opened, snapshot, monkeypatch):
    """A store of ten pictures of 1,000 bytes, one received each day from `AT` on."""

    def fill(limits, count=10):
        store = opened(limits)
        store.add(
            [
                snapshot(
                    picture=b"\xff\xd8" + b"%08d" % n * 124 + b"\xff\xd9" + b"\0" * 4,
                    received=AT + 86_400 * n,
                )
                for n in range(count)
            ]
        )
        return store

    return fill


@pytest.mark.parametrize(
    ("limits", "numbers"),
    [
        (StoreLimits(), range(10)),
        (StoreLimits(max_age=86_400 * 3), [7, 8, 9]),
        (StoreLimits(max_count=4), [6, 7, 8, 9]),
        (StoreLimits(max_bytes=2_998), [8, 9]),
        (StoreLimits(max_age=86_400 * 5, max_count=3, max_bytes=5_000), [7, 8, 9]),
        (StoreLimits(max_bytes=1), []),
    ],
)
def test_the_oldest_go_until_the_limits_hold(filled, folder, limits, numbers):
    store = filled(limits)
    gone = store.tidy(now=AT + 86_400 * 9.5)
    assert left(folder) == list(numbers)
    assert gone == 10 - len(numbers)
    assert store.tidy(now=AT + 86_400 * 9.5) == 0


def test_what_goes_at_a_time_is_bounded(filled, folder, monkeypatch):
    monkeypatch.setattr(index_writer, "STEP", 4)
    store = filled(StoreLimits(max_count=1))
    assert [store.tidy(AT) for _ in range(4)] == [4, 4, 1, 0]
    assert left(folder) == [9]


def test_what_is_held_is_known_after_a_restart(filled, opened, folder):
    filled(StoreLimits())
    store = opened(StoreLimits(max_count=8))
    assert store.tidy(AT) == 2
    assert store.tidy(AT) == 0


def test_the_oldest_is_who_came_first_whatever_the_cameras_clock_says(opened, folder, snapshot):
    store = opened(StoreLimits(max_count=1))
    store.add([snapshot(taken=AT * 2, received=AT), snapshot(taken=0.0, received=AT + 1)])
    store.tidy(AT)
    assert left(folder) == [1]


def test_empty_folders_go_but_for_the_last(opened, folder, snapshot):
    store = opened(StoreLimits(max_count=1))
    store.add([snapshot() for _ in range(2049)])
    while store.tidy(AT):
        pass
    assert left(folder) == [2048]
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["0002"]


def test_the_last_folder_tells_the_numbers_when_all_is_gone(opened, folder, snapshot):
    store = opened(StoreLimits(max_age=1))
    store.add([snapshot() for _ in range(1024)])
    while store.tidy(time.time()):
        pass
    assert left(folder) == []
    assert 1023 in records.read(folder / "0000" / records.NAME)
    store.close()
    (folder / "index.sqlite").unlink()
    store = opened(StoreLimits(max_age=1))
    assert store.add([snapshot(received=time.time())])[0].number == 1024
    store.tidy(time.time())
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["0001"]


def test_a_folder_with_something_of_somebody_elses_stays(opened, folder, snapshot):
    store = opened(StoreLimits(max_count=1))
    store.add([snapshot() for _ in range(1025)])
    (folder / "0000" / "notes.txt").write_text("x")
    while store.tidy(AT):
        pass
    assert (folder / "0000" / "notes.txt").read_text() == "x"


def test_a_picture_that_is_gone_already_is_no_trouble(filled, folder):
    store = filled(StoreLimits(max_count=5))
    for path in folder.glob("*/image_0000[0-3]*"):
        path.unlink()
    assert store.tidy(AT) == 5
    assert left(folder) == [5, 6, 7, 8, 9]


def test_logs_go_with_the_pictures(opened, folder, snapshot):
    store = opened(StoreLimits(max_count=1))
    (folder / "2001-01-01.log").write_text("x")
    (folder / "2023-12-31.log").write_text("x")
    store.add([snapshot(received=AT), snapshot(received=AT + 1)])
    store.tidy(AT + 10)
    assert not (folder / "2001-01-01.log").exists()
    assert (folder / "2023-12-31.log").exists(), "younger than the oldest picture"


def test_a_disk_that_is_full_for_the_index_is_emptied_all_the_same(filled, folder, monkeypatch):
    import sqlite3

    from zmhook.errors import StoreError
    from zmhook.snapshots.store.index_writer import IndexWriter

    store = filled(StoreLimits(max_count=4))

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(IndexWriter, "remove", full)
        with pytest.raises(StoreError, match="disk is full"):
            store.tidy(AT)
    assert len(list(folder.glob("*/image_*"))) == 4
    assert store.tidy(AT) == 6
    assert left(folder) == [6, 7, 8, 9]


def test_limits_are_in_seconds_and_bytes():
    settings = Snapshots(
        snapshot_max_age=2,
        snapshot_max_count=7,
        snapshot_max_size=1.5,
        snapshot_disk_reserve=0.25,
    )
    assert StoreLimits.of(settings) == (172_800, 7, 1_500_000, 250_000)
