import errno
import fcntl
import logging
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.snapshot import Amendment
from zmhook.snapshots.store import records
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.index_writer import IndexWriter, StoreLimits
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.records import Journal
from zmhook.snapshots.store.store import Store


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.glob("[0-9]*/*.*[gp]"))


def name_of(descriptor):
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def count(folder):
    with Index.open(folder) as index:
        return index.count()


# -- what is stored --------------------------------------------------------------------------------


def test_a_snapshot_is_a_file_a_row_a_line_and_a_sentence(folder, store, snapshot):
    given = snapshot(label="../Car", score=0.5)
    (row,) = store.add([given])
    assert row.file == "0000/image_00000_Car.jpg"
    assert store.path(row).read_bytes() == given.picture
    assert (row.size, row.width, row.height) == (len(given.picture), 64, 48)
    with Index.open(folder) as index:
        assert index.get(0) == row
    assert records.read(folder / "0000" / records.NAME) == {0: row}
    (log,) = folder.glob("*.log")
    assert "front ../Car 50% 0000/image_00000_Car.jpg" in log.read_text()


def test_rows_come_in_the_order_of_the_snapshots(store, snapshot):
    first = snapshot()
    store.add([first])
    found = store.add([snapshot(label="b"), first, snapshot(label="c")])
    assert [row.number for row in found] == [1, 0, 2]


def test_the_1024th_picture_begins_a_folder(folder, store, snapshot):
    store.add([snapshot() for _ in range(1025)])
    assert len(list((folder / "0000").glob("*.jpg"))) == 1024
    assert [path.name for path in (folder / "0001").glob("*.jpg")] == ["image_01024_Human.jpg"]
    assert list(records.read(folder / "0001" / records.NAME)) == [1024]


def test_nothing_to_store_is_nothing_stored(folder, store):
    assert store.add([]) == []
    assert files(folder) == []


def test_numbering_goes_on_in_the_next_run(opened, snapshot):
    opened().add([snapshot(), snapshot()])
    assert [row.number for row in opened().add([snapshot()])] == [2]


def test_a_deleted_pictures_number_is_not_given_again(folder, opened, snapshot):
    store = opened(StoreLimits(max_count=1))
    rows = store.add([snapshot() for _ in range(3)])
    for row in rows:
        store.path(row).unlink()
    assert store.tidy(0.0) == 2
    store = opened()
    assert store.add([snapshot()])[0].number == 3
    store.close()
    for path in folder.glob("index.sqlite*"):
        path.unlink()
    (folder / "0000" / "image_00003_Human.jpg").unlink()
    assert opened().add([snapshot()])[0].number == 4


def test_the_disk_has_each_thing_before_what_relies_on_it(folder, store, snapshot, monkeypatch):
    """So a power cut leaves pictures without rows, but no rows or names without pictures."""
    store.add([snapshot()])
    calls = []

    def spy(owner, name):
        real = getattr(owner, name)

        def call(*args, **kwargs):
            what = name_of(args[0]) if "sync" in name else ""
            calls.append(f"{name} {os.path.relpath(what, folder) if what else ''}".strip())
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    for owner, name in [(os, "fdatasync"), (os, "fsync"), (os, "link"), (IndexWriter, "put")]:
        spy(owner, name)
    store.add([snapshot(), snapshot()])
    assert calls == [
        "fdatasync 0000/.image_00001.tmp",
        "fdatasync 0000/.image_00002.tmp",
        "fdatasync 0000/snapshots.jsonl",
        "link",
        "link",
        "fsync 0000",
        "put",
    ]


def test_a_new_folder_is_on_the_disk_before_its_pictures(folder, store, snapshot, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(name_of(fd)) or real(fd))
    store.add([snapshot()])
    assert synced == [str(folder), str(folder / "0000")]


# -- the same again --------------------------------------------------------------------------------


def test_a_redelivered_snapshot_is_the_one_that_is_there(folder, opened, snapshot):
    given = snapshot()
    (first,) = opened().add([given])
    store = opened()
    assert store.add([given, given]) == [first, first]
    assert len(files(folder)) == 1
    assert count(folder) == 1


def test_the_same_twice_in_a_batch_is_stored_once(folder, store, snapshot):
    given = snapshot()
    first, second = store.add([given, given])
    assert first == second
    assert count(folder) == 1


def test_what_the_second_message_adds_is_kept(folder, store, snapshot):
    first = snapshot(track_id="x", picture=b"\xff\xd8same\xff\xd9", start=1.0)
    later = snapshot(track_id="x", picture=b"\xff\xd8same\xff\xd9", end=5.0, ended=True)
    store.add([first])
    (row,) = store.add([later])
    assert (row.number, row.start, row.end, row.ended) == (0, 1.0, 5.0, True)
    with Index.open(folder) as index:
        assert index.get(0) == row
    assert records.read(folder / "0000" / records.NAME)[0] == row


@pytest.mark.parametrize("other", [{"camera": "gate"}, {"channel": 2}, {"track_id": "y"}])
def test_the_same_picture_of_another_track_is_another(folder, store, snapshot, other):
    given = {"track_id": "x", "picture": b"\xff\xd8same\xff\xd9"}
    store.add([snapshot(**given)])
    store.add([snapshot(**{**given, **other})])
    assert count(folder) == 2


def test_a_missing_channel_is_a_channel_too(folder, store, snapshot):
    given = snapshot(channel=None)
    store.add([given])
    store.add([given])
    assert count(folder) == 1


# -- amendments and descriptions -------------------------------------------------------------------


def test_an_amendment_reaches_the_index_and_the_lines(folder, store, snapshot):
    import time

    now = time.time()
    store.add([snapshot(track_id="x", taken=now, received=now)])
    said = Amendment(camera="front", channel=1, track_id="x", end=now + 5, ended=True)
    assert [row.ended for row in store.amend([said])] == [True]
    assert store.amend([said]) == []
    with Index.open(folder) as index:
        assert index.overlapping(1, now + 4, now + 4)[0].ended
    assert records.read(folder / "0000" / records.NAME)[0].end == now + 5


def test_a_track_that_goes_on_overlaps_until_it_was_last_seen(folder, store, snapshot):
    now = time.time()
    store.add([snapshot(track_id="1", taken=now - 60, received=now - 59)])
    store.amend([Amendment(camera="front", channel=1, track_id="1", end=now - 10)])
    with Index.open(folder) as index:
        assert not index.overlapping(1, now - 9, now)
        [row] = index.overlapping(1, now - 30, now)
        assert not row.ended


def test_what_is_removed_is_gone_and_its_number_not_given_again(folder, opened, snapshot):
    store = opened()
    gone, stays = store.add([snapshot(), snapshot()])
    assert store.remove([gone.number, 17]) == 1
    assert not store.path(gone).exists()
    with Index.open(folder) as index:
        assert [row.number for row in index.rows()] == [stays.number]
    (row,) = opened().add([snapshot()])
    assert row.number == 2


def test_a_description_reaches_the_index_the_lines_and_the_log(folder, store, snapshot):
    store.add([snapshot()])
    store.describe(0, {"description": "a man with a dog", "alarm": "yes"})
    store.describe(0, {"plate": "none"})
    said = {"description": "a man with a dog", "alarm": "yes", "plate": "none"}
    with Index.open(folder) as index:
        assert index.get(0).description == said
    assert records.read(folder / "0000" / records.NAME)[0].description == said
    (log,) = folder.glob("*.log")
    assert "description a man with a dog, alarm yes" in log.read_text()


def test_what_nobody_described_is_found(opened, folder, snapshot):
    folder.mkdir()
    (folder / "0000").mkdir()
    (folder / "0000" / "image_00000_Car.jpg").write_bytes(b"of the earlier script")
    store = opened()
    old, *new = store.add([snapshot(received=ago) for ago in (5.0, 50.0, 60.0, 55.0, 70.0)])
    store.describe(new[3].number, {"a": 1})
    assert [row.received for row in store.undescribed(10.0, 2)] == [55.0, 60.0]
    assert [row.received for row in store.undescribed(0.0, 9)] == [5.0, 50.0, 55.0, 60.0]
    assert old.number == 1


def test_a_snapshot_that_is_gone_cannot_be_described(store):
    with pytest.raises(StoreError, match="there is no snapshot 7"):
        store.describe(7, {"x": "y"})


def test_handlers_describe_while_others_store(folder, store, snapshot):
    rows = store.add([snapshot() for _ in range(20)])
    threads = [
        threading.Thread(target=store.describe, args=(row.number, {"n": row.number}))
        for row in rows
    ]
    for thread in threads:
        thread.start()
    store.add([snapshot() for _ in range(20)])
    for thread in threads:
        thread.join()
    with Index.open(folder) as index:
        assert [index.get(n).description["n"] for n in range(20)] == list(range(20))
        assert index.count() == 40


# -- trouble ---------------------------------------------------------------------------------------


def test_a_second_writer_is_refused(folder, store):
    with pytest.raises(StoreError, match=f"{folder}: another collector") as caught:
        Store.open(folder)
    assert "\n" not in str(caught.value)


def test_a_closed_store_says_so(store, snapshot):
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.add([snapshot()])


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "some file")


def full_index(*_):
    raise sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (os, "fdatasync", full),
        (os, "link", full),
        (os, "mkdir", full),
        (records, "_append", full),
        (IndexWriter, "put", full_index),
    ],
)
def test_a_full_disk_stores_nothing_and_loses_nothing(
    folder, store, snapshot, monkeypatch, owner, name, error
):
    kept = store.add([snapshot() for _ in range(1023)])
    batch = [snapshot(), snapshot()]
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, error)
        with pytest.raises(StoreError, match="the disk is full, nothing was stored: make room"):
            store.add(batch)
    assert len(files(folder)) == len(kept) == count(folder)
    assert not list(folder.rglob(".*"))
    assert [row.number for row in store.add(batch)] == [1023, 1024]


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE snapshots",
        "DROP TABLE snapshots; DROP TABLE meta",
        "CREATE TRIGGER x BEFORE INSERT ON snapshots BEGIN SELECT raise(ignore); END",
    ],
)
@pytest.mark.parametrize("in_use", [False, True])
def test_an_index_whose_tables_are_wrong_is_made_again(
    folder, store, snapshot, script: str, in_use: bool
):
    store.add([snapshot()])
    with closing(sqlite3.connect(folder / INDEX)) as connection:
        connection.executescript(script)
    if not in_use:
        store.close()
        store = Store.open(folder)
    store.add([snapshot()])
    with Index.open(folder) as index:
        assert index.count() == 2
    store.close()


def test_a_failed_commit_takes_the_pictures_back(folder, store, snapshot):
    store.add([snapshot()])
    store._writer._connection.execute(
        "CREATE TEMP TRIGGER no BEFORE INSERT ON snapshots BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    batch = [snapshot(), snapshot()]
    with pytest.raises(StoreError, match="the index cannot be read or written"):
        store.add(batch)
    assert files(folder) == ["0000/image_00000_Human.jpg"]
    store._writer._connection.execute("DROP TRIGGER no")
    assert [row.number for row in store.add(batch)] == [1, 2]


def test_below_the_disks_reserve_nothing_is_stored(folder, opened, snapshot, monkeypatch):
    store = opened(StoreLimits(reserve=10_000_000))
    (row,) = store.add([given := snapshot()])
    free = SimpleNamespace(f_bavail=10_000_050 // 10, f_frsize=10)
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    with pytest.raises(StoreError, match="10 MB of the disk are free, and snapshot_disk_reserve"):
        store.add([snapshot(picture=b"\xff\xd8" + b"x" * 100)])
    assert len(files(folder)) == 1
    assert store.add([given]) == [row], "what is there needs no room"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_folder_that_may_not_be_written_to_says_so(folder, monkeypatch, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number), str(folder))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(StoreError, match="cannot be used: is it read-only, or another user"):
        Store.open(folder)


def test_a_file_in_the_folders_place_is_told(folder):
    folder.write_text("x")
    with pytest.raises(StoreError, match="File exists"):
        Store.open(folder)


def test_a_log_that_cannot_be_written_loses_no_snapshot(
    folder, store, snapshot, monkeypatch, caplog
):
    monkeypatch.setattr(Journal, "stored", full)
    with caplog.at_level(logging.WARNING):
        store.add([snapshot()])
    assert count(folder) == 1
    assert "the log cannot be written" in caplog.text


# -- an index that is lost while it is in use ------------------------------------------------------


def test_an_index_that_is_deleted_meanwhile_is_made_again(folder, store, snapshot):
    rows = store.add([snapshot(), snapshot()])
    (folder / INDEX).unlink()
    store.describe(1, {"x": "y"})
    rows += store.add([snapshot()])
    with Index.open(folder) as index:
        assert index.count() == 3
        assert index.get(0) == rows[0]
        assert index.get(1).description == {"x": "y"}


def test_an_index_that_turns_out_damaged_is_made_again(folder, store, snapshot, caplog):
    rows = store.add([snapshot() for _ in range(300)])
    store._writer._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (folder / INDEX).open("r+b") as file:
        file.write(b"\xa5" * (folder / INDEX).stat().st_size)
    with caplog.at_level(logging.WARNING):
        new = store.add([snapshot()])
        store.tidy(0.0)
    assert [row.number for row in new] == [300]
    with Index.open(folder) as index:
        assert [index.get(row.number) for row in rows] == rows
    (aside,) = folder.glob(f"{INDEX}.damaged-*[0-9]")
    assert aside.name in caplog.text


def test_a_picture_that_somebody_put_there_is_not_overwritten(folder, store, snapshot):
    store.add([snapshot()])
    foreign = folder / "0000" / "image_00001_Human.jpg"
    foreign.write_bytes(b"\xff\xd8somebody's\xff\xd9")
    (row,) = store.add([snapshot()])
    assert row.number == 2
    assert foreign.read_bytes() == b"\xff\xd8somebody's\xff\xd9"
    with Index.open(folder) as index:
        assert index.get(1).format == "file"


def test_a_folder_that_somebody_deleted_holds_up_nothing(folder, store, snapshot):
    import shutil

    given = snapshot(ended=False)
    store.add([given])
    shutil.rmtree(folder / "0000")
    store.describe(0, {"x": "y"})
    assert store.add([snapshot()])[0].number == 1


def test_one_process_writes_until_it_closes(folder, opened):
    store = opened()
    with pytest.raises(StoreError, match=f"{folder}: another collector .* another snapshot_path"):
        Store.open(folder)
    store.close()
    Store.open(folder).close()


def test_a_file_system_without_locks_is_used_all_the_same(folder, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING):
        Store.open(folder).close()
    assert "cannot be locked against a second collector: No locks available" in caplog.text
