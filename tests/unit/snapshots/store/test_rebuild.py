import logging
import os
import shutil
import sqlite3
import time

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.store import layout, rebuild, records, schema
from zmhook.snapshots.store.files import PictureWriter
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.index_writer import IndexWriter, StoreLimits
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.store import Store


def rows(folder):
    with Index.open(folder) as index:
        return {row.number: row for row in index.rows(limit=-1)}


class Killed(BaseException):
    """What no handler catches."""


@pytest.fixture
def killed(monkeypatch):
    """Be killed at a call, as far as that can be played: nothing is cleaned up."""

    def at(owner, name, *, after=0):
        calls = []
        real = getattr(owner, name)

        def stop(*args, **kwargs):
            calls.append(1)
            if len(calls) > after:
                raise Killed
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, stop)
        monkeypatch.setattr(PictureWriter, "undo", lambda _: None)

    yield at
    monkeypatch.undo()


STAGES = [
    pytest.param((os, "fdatasync"), 0, id="while the pictures are written"),
    pytest.param((records.JsonLines, "append"), 0, id="before the lines"),
    pytest.param((os, "link"), 0, id="before the first has its name"),
    pytest.param((os, "link"), 2, id="when two of three have their names"),
    pytest.param((IndexWriter, "put"), 0, id="before the commit"),
]


@pytest.mark.parametrize(("call", "adopted"), STAGES)
def test_whoever_is_killed_goes_on_without_loss(
    opened, folder, snapshot, killed, monkeypatch, call, adopted
):
    store = opened()
    first = store.add([snapshot()])
    batch = [snapshot(label="a", start=1.0), snapshot(label="b"), snapshot(label="c")]
    killed(*call, after=2 if adopted else 0)
    with pytest.raises(Killed):
        store.add(batch)
    monkeypatch.undo()
    store = opened()
    assert not list(folder.rglob(".*"))
    assert rows(folder)[0] == first[0]
    again = store.add(batch)
    assert sorted(row.number for row in again) == [1, 2, 3]
    assert {row.number: row for row in again} == {n: rows(folder)[n] for n in (1, 2, 3)}
    assert [row.label for row in again] == ["a", "b", "c"]
    assert again[0].start == 1.0
    assert len(list(folder.glob("*/*.jpg"))) == 4


@pytest.mark.parametrize("wal", [True, False])
def test_a_deleted_index_is_made_again_as_it_was(opened, folder, snapshot, wal):
    store = opened()
    store.add([snapshot(colours=("red",)) for _ in range(5)])
    store.describe(3, {"description": "x"})
    before = rows(folder)
    if wal:  # as SQLite leaves it when its user is killed
        shutil.copy(folder / f"{INDEX}-wal", folder / "kept")
    store.close()
    (folder / INDEX).unlink()
    if wal:
        (folder / "kept").rename(folder / f"{INDEX}-wal")
    store = opened()
    assert rows(folder) == before
    assert store.add([snapshot()])[0].number == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"nonsense" * 4096),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:8192] + b"\x5a" * 40_000),
    ],
    ids=["nonsense", "cut", "empty", "half"],
)
def test_a_damaged_index_is_set_aside_and_made_again(opened, folder, snapshot, damage, caplog):
    store = opened()
    store.add([snapshot() for _ in range(100)])
    before = rows(folder)
    store.close()
    damage(folder / INDEX)
    with caplog.at_level(logging.WARNING):
        opened()
    assert rows(folder) == before
    (aside,) = folder.glob(f"{INDEX}.damaged-*")
    assert f"set aside as {aside.name}" in caplog.text


def test_another_programs_database_is_set_aside_too(opened, folder):
    folder.mkdir()
    connection = sqlite3.connect(folder / INDEX)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    opened()
    assert rows(folder) == {}
    assert len(list(folder.glob(f"{INDEX}.damaged-*"))) == 1


def test_only_the_last_damaged_ones_are_kept(opened, folder):
    folder.mkdir()
    for second in range(5):
        (folder / f"{INDEX}.damaged-2026-01-01-00000{second}").touch()
        (folder / f"{INDEX}.damaged-2026-01-01-00000{second}-wal").touch()
    (folder / INDEX).write_bytes(b"nonsense" * 4096)
    opened()
    left = sorted(path.name for path in folder.glob(f"{INDEX}.damaged-*"))
    assert len([name for name in left if not name.endswith("-wal")]) == 3
    assert f"{INDEX}.damaged-2026-01-01-000003-wal" in left


def test_a_newer_zmhooks_index_is_left_alone(folder, opened):
    opened().close()
    connection = sqlite3.connect(folder / INDEX)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(StoreError, match="made by a newer zmhook; this one knows 1: upgrade"):
        Store.open(folder)
    assert not list(folder.glob(f"{INDEX}.damaged-*"))


def test_without_lines_the_pictures_alone_are_enough_to_go_on(opened, folder, snapshot):
    store = opened()
    given = snapshot(label="Car", start=1.0)
    store.add([given, snapshot()])
    store.close()
    (folder / INDEX).unlink()
    (folder / "0000" / records.NAME).unlink()
    store = opened()
    found = rows(folder)[0]
    assert (found.label, found.format, found.track_id) == ("Car", "file", "")
    assert (found.width, found.height) == (64, 48)
    (again,) = store.add([given])
    assert again.number == 0, "a redelivered one is recognised by its picture"
    assert (again.start, again.track_id, again.format) == (1.0, given.track_id, given.format)
    assert len(rows(folder)) == 2


def test_a_picture_that_somebody_deleted_has_no_row_any_more(opened, folder, snapshot):
    store = opened()
    store.path(store.add([snapshot(), snapshot()])[0]).unlink()
    opened()
    assert list(rows(folder)) == [1]


def test_a_picture_that_somebody_named_anew_keeps_what_is_known(opened, folder, snapshot):
    store = opened()
    path = store.path(store.add([snapshot(start=3.0)])[0])
    path.rename(path.with_name("image_00000_neighbour.jpg"))
    opened()
    assert rows(folder)[0].file == "0000/image_00000_neighbour.jpg"
    assert rows(folder)[0].start == 3.0


# -- the earlier script's store --------------------------------------------------------------------


@pytest.fixture
def earlier(folder, picture):
    """A store as the earlier script leaves it."""

    def make(names, counter=None):
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(name))
            os.utime(path, (1_600_000_000, 1_600_000_000 + len(name)))
        if counter is not None:
            (folder / "index").write_text(counter)
        (folder / "2025-10-01-09-30.log").write_text(f"Human! {names[0]}\n")

    return make


def test_it_is_taken_over(opened, folder, earlier, picture, snapshot):
    names = ["0000/image_00000_Human.jpg", "0000/image_00001_Car.jpg", "0001/image_01024_Bus.jpg"]
    earlier(names, "1030")
    store = opened()
    found = rows(folder)
    assert [found[n].file for n in (0, 1, 1024)] == names
    assert [found[n].label for n in (0, 1, 1024)] == ["Human", "Car", "Bus"]
    assert found[0].taken == 1_600_000_000 + len(names[0])
    assert [(folder / name).read_bytes() for name in names] == [picture(name) for name in names]
    assert (folder / "index").read_text() == "1030"
    assert (folder / "2025-10-01-09-30.log").read_text().startswith("Human!")
    assert store.add([snapshot()])[0].number == 1030
    assert records.read(folder / "0000" / records.NAME).keys() == {0, 1}


@pytest.mark.parametrize("counter", [None, "", "three", "-5", "1"])
def test_its_counter_may_be_behind_or_missing(opened, folder, earlier, snapshot, counter):
    earlier(["0000/image_00007_Human.jpg"], counter)
    assert opened().add([snapshot()])[0].number == 8
    assert 7 in rows(folder)


def test_a_number_that_it_gave_out_twice_is_given_once(opened, folder, earlier, picture, caplog):
    names = ["0000/image_00003_Car.jpg", "0000/image_00003_Human.jpg", "0001/image_00004_Bus.jpg"]
    earlier(names, "2")
    with caplog.at_level(logging.WARNING):
        opened()
    found = rows(folder)
    assert {n: row.file for n, row in found.items()} == {
        3: "0000/image_00003_Car.jpg",
        4: "0000/image_00004_Human.jpg",
        5: "0000/image_00005_Bus.jpg",
    }
    assert (folder / found[4].file).read_bytes() == picture(names[1])
    assert "0001/image_00004_Bus.jpg had another picture's number" in caplog.text
    before = rows(folder)
    opened()
    assert rows(folder) == before


def test_more_strays_than_one_commit_takes(opened, folder, earlier, snapshot):
    earlier([f"0000/image_00000_{n:03d}.jpg" for n in range(250)], "1")
    store = opened()
    assert sorted(rows(folder)) == list(range(250))
    assert store.add([snapshot()])[0].number == 250


def test_other_peoples_files_are_left_where_they_are(opened, folder, earlier):
    earlier(["0000/image_00000_Human.jpg"])
    (folder / "0000" / "notes.txt").write_text("x")
    (folder / "pictures").mkdir()
    opened()
    assert len(rows(folder)) == 1
    assert (folder / "0000" / "notes.txt").read_text() == "x"


def test_who_has_a_number_keeps_it_when_another_picture_is_put_beside(opened, folder, snapshot):
    store = opened()
    (row,) = store.add([snapshot(label="Human")])
    (folder / "0000" / "image_00000_Another.jpg").write_bytes(b"\xff\xd8other\xff\xd9")
    opened()
    assert rows(folder)[0] == row
    assert rows(folder)[1].file == "0000/image_00001_Another.jpg"


@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/passwd")])
def test_what_is_no_picture_keeps_no_other_out(put, opened, folder, earlier, snapshot, caplog):
    """A folder, a FIFO or a link with a picture's name; and where something unfinished was."""
    earlier(["0000/image_00000_Human.jpg", "0000/image_00003_Human.jpg"])
    for name in ("image_00001_Car.jpg", "image_00000_Car.jpg", "image_01025_Car.jpg"):
        put(folder / "0000" / name)
    (folder / "0000" / ".image_00007.tmp" / "x").mkdir(parents=True)
    store = opened()
    assert sorted(rows(folder)) == [0, 3]
    assert "image_00001_Car.jpg: it is left out" in caplog.text
    assert store.add([snapshot()])[0].number > 3


@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo])
def test_lines_that_cannot_be_read_are_none(put, folder, opened, earlier):
    earlier(["0000/image_00000_Human.jpg"])
    put(folder / "0000" / records.NAME)
    with pytest.raises(StoreError):  # what is known of pictures could not be written down
        opened()
    assert records.read(folder / "0000" / records.NAME) == {}


def test_a_folder_that_may_not_be_read_is_left_as_it_is(opened, folder, snapshot, monkeypatch):
    store = opened()
    (first,) = store.add([snapshot()])
    names = layout.names

    def refused(path):
        if path.name == "0000":
            raise PermissionError(13, "Permission denied", str(path))
        return names(path)

    monkeypatch.setattr(layout, "names", refused)
    store = opened()
    assert rows(folder)[0] == first
    assert store.add([snapshot()])[0].number == 1024


def test_a_folder_in_the_place_of_what_is_too_old_stops_nothing(opened, folder, snapshot, caplog):
    store = opened(StoreLimits(max_count=1))
    added = store.add([snapshot() for _ in range(3)])
    store.path(added[0]).unlink()
    (store.path(added[0]) / "x").mkdir(parents=True)
    assert store.tidy(time.time()) == 2
    assert sorted(rows(folder)) == [2]
    assert "it is a folder and stays" in caplog.text


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(schema.TABLES)
    yield connection
    connection.close()


def test_the_highest_of_all_that_is_known_counts(tmp_path, connection):
    assert rebuild.first_free(tmp_path, connection, 0) == 0
    assert rebuild.first_free(tmp_path, connection, 5) == 5
    assert rebuild.first_free(tmp_path, connection, 2) == 5
    (tmp_path / "index").write_text(" 9\n")
    assert rebuild.first_free(tmp_path, connection, 2) == 9
    schema.put_next_number(connection, 11)
    assert rebuild.first_free(tmp_path, connection, 2) == 11


@pytest.mark.parametrize(
    ("text", "number", "wrong"),
    [
        ("17", 17, False),
        ("0", 0, False),
        ("", 0, True),
        ("x", 0, True),
        ("-3", 0, True),
        ("9" * 99, 0, True),
    ],
)
def test_the_earlier_counter(tmp_path, text, number, wrong, caplog):
    (tmp_path / "index").write_text(text)
    assert rebuild.legacy_counter(tmp_path) == number
    assert ("holds no number" in caplog.text) is wrong


def test_without_an_earlier_counter_there_is_none(tmp_path, caplog):
    assert rebuild.legacy_counter(tmp_path) == 0
    assert not caplog.text
