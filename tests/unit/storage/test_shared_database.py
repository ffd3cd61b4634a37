"""A database that stays open: until its file is another one, or the process is."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from zmhook.errors import StateError
from zmhook.storage import shared_database as module
from zmhook.storage.corruption import damage_count
from zmhook.storage.shared_database import SharedDatabase, close_all, shared_database

SCHEMA = ("CREATE TABLE things (name TEXT);",)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


def add(database: SharedDatabase, name: str) -> None:
    database.use(lambda one: one.execute("INSERT INTO things VALUES (?)", [name]))


def names(database: SharedDatabase) -> list[str]:
    rows = database.use(lambda one: one.execute("SELECT name FROM things").fetchall())
    return [row[0] for row in rows]


def test_it_is_opened_once_and_the_same_for_the_same_path(tmp_path: Path) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)
    assert shared_database(tmp_path / "b" / ".." / "a.sqlite", SCHEMA) is database
    connections = {database.use(id) for _ in range(3)}
    assert len(connections) == 1


def test_nothing_is_opened_before_it_is_used(tmp_path: Path) -> None:
    shared_database(tmp_path / "a.sqlite", SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_the_one_unused_for_longest_is_closed_and_opens_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    first, second = (shared_database(tmp_path / name, SCHEMA) for name in "ab")
    add(first, "x")
    add(second, "y")
    shared_database(tmp_path / "a", SCHEMA)
    shared_database(tmp_path / "c", SCHEMA)
    assert (first._connection is None, second._connection is None) == (False, True)
    assert names(second) == ["y"]
    second.close()


def test_a_file_that_was_replaced_is_opened_anew(tmp_path: Path) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)
    add(database, "old")
    (tmp_path / "a.sqlite").rename(tmp_path / "elsewhere")
    add(database, "new")
    assert names(database) == ["new"]


def test_a_file_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)
    add(database, "old")
    for file in tmp_path.iterdir():
        file.unlink()
    assert names(database) == []


def test_a_file_damaged_in_use_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)
    for number in range(300):
        add(database, f"{number:0200}")
    database.close()
    data = (tmp_path / "a.sqlite").read_bytes()
    (tmp_path / "a.sqlite").write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    add(database, "new")
    assert names(database) == ["new"]
    assert "a.sqlite: it is damaged (" in caplog.text


def test_damage_that_stays_is_told(tmp_path: Path) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)

    def broken(_) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with pytest.raises(StateError, match="a new file is damaged too"):
        database.use(broken)
    assert names(database) == []


def test_threads_take_turns(tmp_path: Path) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)
    threads = [
        threading.Thread(target=lambda: [add(database, "x") for _ in range(20)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 80


def test_a_forked_process_opens_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = shared_database(tmp_path / "a.sqlite", SCHEMA)
    add(database, "x")
    inherited = database._connection
    with monkeypatch.context() as other:
        other.setattr(os, "getpid", lambda: -1)
        assert names(database) == ["x"]
        assert database._connection is not inherited
        assert inherited in module._inherited, "SQLite forbids even to close it"
        database.close()
    module._inherited.remove(inherited)
    inherited.close()


def cut(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def garble(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(b"\xa5" * size)


def beside(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


TAMPERED = {
    "cut to nothing": cut,
    "cut in the middle of a page": lambda path: os.truncate(path, path.stat().st_size - 100),
    "halved": halve,
    "overwritten": garble,
    "deleted": Path.unlink,
    "deleted, a FIFO in its place": lambda path: (path.unlink(), os.mkfifo(path)),
    "deleted, a folder in its place": lambda path: (path.unlink(), path.mkdir()),
    "replaced by nonsense": lambda path: (path.unlink(), path.write_bytes(b"x" * 5000)),
}


def filled(path: Path, *, others: bool) -> SharedDatabase:
    """Return one in use whose file has several pages; `others` have it open, too."""
    database = SharedDatabase(path, SCHEMA)
    for number in range(200):
        add(database, f"{number} {'x' * 200}")
    database.use(lambda one: one.execute("PRAGMA wal_checkpoint").fetchall())
    add(database, "in the log")
    if others:
        add(shared_database(path, SCHEMA), "of another process")
    return database


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_what_befalls_a_file_in_use_is_found_at_the_next_use(
    tamper, others: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.sqlite"
    database = filled(path, others=others)
    tamper(path)
    add(database, "new")
    assert "new" in names(database)
    database.close()
    assert "new" in names(SharedDatabase(path, SCHEMA))  # it is in the file that has the name
    # Nonsense beside the log of the old file is first another file, and then a damaged one.
    assert damage_count(path).count in (1, 2)
    assert len(caplog.records) == damage_count(path).count


@pytest.mark.parametrize("others", [False, True])
def test_another_process_does_not_tell_it_again(tmp_path: Path, others: bool, caplog) -> None:
    path = tmp_path / "a.sqlite"
    first, second = filled(path, others=others), SharedDatabase(path, SCHEMA)
    add(second, "second")
    cut(path)
    add(first, "a")
    add(second, "b")
    assert {"a", "b"} <= set(names(first))
    assert damage_count(path).count == 1
    assert len(caplog.records) == 1


@pytest.mark.parametrize("tamper", [Path.unlink, cut], ids=["deleted", "cut"])
def test_a_log_that_is_lost_costs_no_more_than_what_is_in_it(
    tamper, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.sqlite"
    database = filled(path, others=False)
    tamper(beside(path))
    add(database, "new")
    database.close()
    found = names(SharedDatabase(path, SCHEMA))
    assert "new" in found
    assert len(found) >= 201
    assert "its -wal was" in caplog.text


def test_a_checkpoint_of_another_process_is_nothing(tmp_path: Path, caplog) -> None:
    path = tmp_path / "a.sqlite"
    database, other = SharedDatabase(path, SCHEMA), SharedDatabase(path, SCHEMA)
    for number in range(50):
        add(database, f"{number} {'x' * 500}")
        add(other, f"{number} {'x' * 500}")
        other.use(lambda one: one.execute("PRAGMA wal_checkpoint").fetchall())
    other.use(lambda one: one.execute("DELETE FROM things WHERE rowid % 2"))
    other.use(lambda one: one.executescript("PRAGMA incremental_vacuum"))
    other.use(lambda one: one.execute("PRAGMA wal_checkpoint").fetchall())
    assert len(names(database)) == 50
    assert caplog.text == ""
    assert damage_count(path).count == 0


def outside(path: Path, *statements: str) -> None:
    """Do it with a connection of somebody else."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


IGNORE = "CREATE TRIGGER x BEFORE INSERT ON things BEGIN SELECT raise(ignore); END"
WRONG_TABLES = {
    "dropped": ["DROP TABLE things"],
    "without a column": ["DROP TABLE things", "CREATE TABLE things (other TEXT)"],
    "a trigger that ignores": [IGNORE],
    "no version": ["PRAGMA user_version = 0"],
    "an impossible version": ["PRAGMA user_version = -1"],
}


@pytest.mark.parametrize("in_use", [False, True])
@pytest.mark.parametrize("statements", WRONG_TABLES.values(), ids=WRONG_TABLES)
def test_wrong_tables_in_sound_pages_are_damage(
    statements: list[str], in_use: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.sqlite"
    database = SharedDatabase(path, SCHEMA)
    add(database, "old")
    if not in_use or "user_version" in statements[0]:  # which is looked at only at the beginning
        database.close()
    outside(path, *statements)
    add(database, "new")
    assert names(database) == ["new"]
    assert damage_count(path).count == 1
    [message] = caplog.messages
    assert "it is damaged" in message
    assert len(list(tmp_path.glob("a.sqlite.damaged-*"))) >= 1
    database.close()


def test_tables_that_are_lost_in_the_middle_of_a_task(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    database = SharedDatabase(path, SCHEMA)
    add(database, "old")
    tries = []

    def task(connection: sqlite3.Connection) -> None:
        tries.append(1)
        if len(tries) == 1:
            outside(path, "DELETE FROM things", IGNORE)
        connection.execute("INSERT INTO things VALUES ('new')")
        assert connection.execute("SELECT * FROM things").fetchone()[0] == "new"

    database.use(task)
    assert names(database) == ["new"]
    database.close()
