import os
import sqlite3

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.store import writer
from zmhook.snapshots.store.index import Index
from zmhook.snapshots.store.layout import INDEX
from zmhook.storage.corruption import damage_count


@pytest.fixture
def connection(tmp_path):
    connection = writer.connect(tmp_path)
    yield connection
    connection.close()


def test_a_commit_is_on_the_disk_and_holds_no_reader_up(connection):
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_all_or_nothing(connection):
    put = "INSERT INTO meta VALUES (?, 1)"
    with writer.transaction(connection):
        connection.execute(put, "a")
    with pytest.raises(sqlite3.IntegrityError), writer.transaction(connection):
        connection.executemany(put, [("b",), ("a",)])
    assert connection.execute("SELECT key FROM meta").fetchall() == [("a",)]
    assert not connection.in_transaction


def test_an_index_without_a_version_is_no_index(tmp_path, connection):
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    again = writer.connect(tmp_path)
    assert again.execute("SELECT count(*) FROM meta").fetchone() == (0,)
    again.close()
    assert len(list(tmp_path.glob(f"{INDEX}.damaged-*"))) == 1


@pytest.mark.parametrize("put", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/nowhere")])
def test_what_is_no_file_is_set_aside_too(tmp_path, put):
    put(tmp_path / INDEX)
    with pytest.raises(StoreError, match="lies in its place"):
        Index.open(tmp_path)
    writer.connect(tmp_path).close()
    assert len(list(tmp_path.glob(f"{INDEX}.damaged-*"))) == 1
    assert damage_count(tmp_path / INDEX).count == 1
    Index.open(tmp_path).close()


def test_other_trouble_sets_nothing_aside(tmp_path, monkeypatch):
    def busy(*_: object) -> int:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(writer.schema, "version", busy)
    with pytest.raises(sqlite3.OperationalError):
        writer.connect(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]


def test_another_file_under_its_name_is_noticed(tmp_path, connection):
    opened = (tmp_path / INDEX).stat()
    assert writer.is_same(tmp_path, opened)
    (tmp_path / INDEX).rename(tmp_path / "other")
    assert not writer.is_same(tmp_path, opened)
    (tmp_path / INDEX).touch()
    assert not writer.is_same(tmp_path, opened)


@pytest.mark.parametrize(
    "sql", ["ALTER TABLE snapshots DROP COLUMN width", "DROP TABLE snapshots", "DROP TABLE meta"]
)
def test_tables_that_are_not_ours_are_made_again(tmp_path, connection, sql):
    if sql.startswith("ALTER") and sqlite3.sqlite_version_info < (3, 35):
        pytest.skip("optional: this SQLite cannot drop a column")
    connection.execute(sql)
    connection.close()
    again = writer.connect(tmp_path)
    assert again.execute("SELECT count(width) FROM snapshots").fetchone() == (0,)
    assert again.execute("SELECT count(*) FROM meta").fetchone() == (0,)
    again.close()
