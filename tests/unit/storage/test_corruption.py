"""A damaged file is renamed once, with what belongs to it, and few of them are kept."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from zmhook.describe import cache
from zmhook.detectors.alpr.services import account
from zmhook.history import schema as history
from zmhook.memory import cooldown, past
from zmhook.snapshots.store import schema as snapshots
from zmhook.storage import corruption
from zmhook.storage.corruption import (
    Damaged,
    blaming_schema,
    flaw,
    identity,
    insert,
    is_damage,
    raising_damaged,
    set_aside,
)


def files(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_what_belongs_to_it_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).write_text(f"bad{suffix}")
    set_aside(path, Damaged(identity(path), "bad"))
    found = files(tmp_path)
    assert json.loads(found.pop("a.sqlite.damage"))["count"] == 1
    assert not any(name.startswith("a.sqlite") and ".damaged-" not in name for name in found)
    assert {name.rpartition(".")[2][23:]: text for name, text in found.items()} == {
        "": "bad", "-wal": "bad-wal", "-shm": "bad-shm"
    }  # fmt: skip


def test_a_file_that_was_replaced_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_text("old")
    old = identity(path)
    path.rename(tmp_path / "elsewhere")
    path.write_text("new")
    set_aside(path, Damaged(old, "bad"))
    set_aside(path, Damaged(None, "it was not there before"))
    assert path.read_text() == "new"


def test_few_damaged_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    for day in range(1, 6):
        (tmp_path / f"a.sqlite.damaged-2020010{day}-000000").write_text(str(day))
        (tmp_path / f"a.sqlite.damaged-2020010{day}-000000-wal").write_text(str(day))
    (tmp_path / "b.sqlite.damaged-20200101-000000").write_text("another's")
    path.write_text("newest")
    set_aside(path, Damaged(identity(path), "bad"))
    (tmp_path / "a.sqlite.damage").unlink()
    kept = sorted(text for name, text in files(tmp_path).items() if name.startswith("a."))
    assert kept == ["4", "4", "5", "5", "newest"]
    assert (tmp_path / "b.sqlite.damaged-20200101-000000").exists()


def test_a_folder_that_stays_locked_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corruption, "LONGEST_WAIT", 0.02)
    path = tmp_path / "a.sqlite"
    path.write_text("bad")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            set_aside(path, Damaged(identity(path), "bad"))
    finally:
        os.close(folder)
    assert path.exists()


def test_damage_is_told_from_other_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"nonsense" * 1000)
    connection = sqlite3.connect(path)
    with pytest.raises(Damaged, match="not a database"), raising_damaged((1, 2)):
        connection.execute("SELECT * FROM sqlite_master")
    connection.close()
    with pytest.raises(sqlite3.OperationalError), raising_damaged((1, 2)):
        raise sqlite3.OperationalError("database is locked")


def test_older_pythons_tell_damage_by_its_text() -> None:
    assert is_damage(sqlite3.DatabaseError("database disk image is malformed"))
    assert is_damage(sqlite3.DatabaseError("file is not a database"))
    assert not is_damage(sqlite3.OperationalError("database is locked"))


@pytest.fixture(params=["with codes", "without, as before Python 3.11"])
def real_error(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[bytes], sqlite3.Error]:
    """Make SQLite itself complain."""

    def complain(data: bytes) -> sqlite3.Error:
        path = tmp_path / "x.sqlite"
        path.write_bytes(data)
        connection = sqlite3.connect(path)
        try:
            connection.execute("SELECT * FROM sqlite_master").fetchall()
            connection.execute("PRAGMA integrity_check").fetchall()
            connection.execute("SELECT * FROM t").fetchall()
        except sqlite3.Error as error:
            if request.param == "with codes":
                return error
            return type(error)(*error.args)
        finally:
            connection.close()
        raise AssertionError

    return complain


def test_nonsense_is_damage_and_a_missing_table_is_not(
    real_error: Callable[[bytes], sqlite3.Error],
) -> None:
    assert is_damage(real_error(b"nonsense" * 1000))
    assert not is_damage(real_error(b""))  # no such table


def test_a_file_that_was_cut_is_damaged(
    real_error: Callable[[bytes], sqlite3.Error], tmp_path: Path
) -> None:
    path = tmp_path / "whole.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", [[os.urandom(900)] for _ in range(99)])
    connection.commit()
    connection.close()
    assert is_damage(real_error(path.read_bytes()[:20_000]))


SCHEMA = (
    """
    CREATE TABLE things (
        name TEXT,  -- a word
        size INTEGER
    );
    CREATE INDEX things_name ON things (name);
    """,
    "ALTER TABLE things ADD COLUMN colour TEXT;",
)
REPLACED = """
    DROP TABLE things;
    CREATE TABLE things (name TEXT, size INTEGER, colour TEXT, CHECK (0));
    CREATE INDEX things_name ON things (name);
"""
OURS = {
    "history": history.SCHEMA,
    "cooldown": cooldown.SCHEMA,
    "past": past.SCHEMA,
    "gemini": cache.SCHEMA,
    "alpr": account.SCHEMA,
    "snapshots": (snapshots.TABLES,),
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as one:
        for script in SCHEMA:
            one.executescript(script)
        yield one


def test_what_the_schema_makes_is_sound(connection: sqlite3.Connection) -> None:
    assert flaw(connection, SCHEMA) == ""


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DROP TABLE things", "the table things is missing"),
        ("DROP INDEX things_name", "the index things_name is missing"),
        ("ALTER TABLE things RENAME TO others", "the table things is missing"),
        ("ALTER TABLE things RENAME COLUMN size TO height", "the table things is another one"),
        ("ALTER TABLE things ADD COLUMN more", "the table things is another one"),
        (
            REPLACED,
            "the table things is another one",
        ),
        ("DROP TABLE things; CREATE VIEW things AS SELECT 1", "the table things is missing"),
        (
            "DROP INDEX things_name; CREATE UNIQUE INDEX things_name ON things (name)",
            "the index things_name is another one",
        ),
        (
            "CREATE TRIGGER x BEFORE INSERT ON things BEGIN SELECT raise(ignore); END",
            "the trigger x does not belong there",
        ),
        ("CREATE UNIQUE INDEX x ON things (size)", "the index x does not belong there"),
        ("CREATE VIEW x AS SELECT * FROM things", "the view x does not belong there"),
    ],
)
def test_what_is_changed_is_named(connection: sqlite3.Connection, sql: str, reason: str) -> None:
    flaw(connection, SCHEMA)
    connection.executescript(sql)
    assert flaw(connection, SCHEMA) == reason


def test_tables_without_a_version(connection: sqlite3.Connection) -> None:
    assert flaw(connection, ()) == "it has tables, but no version"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE others (name TEXT PRIMARY KEY); CREATE INDEX o ON others (name)",
        "ANALYZE",
        "VACUUM",
        "REINDEX",
    ],
)
def test_what_does_no_harm(connection: sqlite3.Connection, sql: str) -> None:
    connection.executescript(sql)
    assert flaw(connection, SCHEMA) == ""


def test_another_comment_or_blank_is_the_same_table(connection: sqlite3.Connection) -> None:
    before = SCHEMA[0].replace("a word", "another word").replace("things (", "things  (\n")
    assert before != SCHEMA[0]
    assert flaw(connection, (before, SCHEMA[1])) == ""


def test_each_version_of_our_schemas_can_be_compared() -> None:
    for schema in OURS.values():
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as one:
            for count, script in enumerate(schema, 1):
                one.executescript(script)
                assert flaw(one, schema[:count]) == ""
            assert flaw(one, ())


def test_an_insert_that_is_ignored_is_damage(connection: sqlite3.Connection) -> None:
    sql = "INSERT INTO things VALUES (?, ?, ?)"
    assert [insert(connection, sql, ["a", 1, ""]) for _ in range(2)] == [1, 2]
    connection.execute("CREATE TRIGGER x BEFORE INSERT ON things BEGIN SELECT raise(ignore); END")
    with pytest.raises(sqlite3.DatabaseError, match="malformed: the inserted row is missing"):
        insert(connection, sql, ["b", 1, ""])


def test_an_error_is_the_tables_fault_only_where_they_are_wrong(
    connection: sqlite3.Connection,
) -> None:
    with pytest.raises(TypeError), blaming_schema(connection, SCHEMA):
        raise TypeError("a bug")
    connection.execute("DROP TABLE things")
    reason = "malformed: the table things is missing"
    with pytest.raises(sqlite3.DatabaseError, match=reason), blaming_schema(connection, SCHEMA):
        raise TypeError("'NoneType' object is not subscriptable")
