"""A database that stays open: until its file is another one, or the process is."""

from __future__ import annotations

import gc
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from zmhook.errors import StateError
from zmhook.storage import shared_database as module
from zmhook.storage.corruption import damage_count
from zmhook.storage.shared_database import (
    FallbackDatabase,
    SharedDatabase,
    close_all,
    shared_database,
)

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


REQUESTS = ("CREATE TABLE asked (number INTEGER PRIMARY KEY, at REAL NOT NULL);",)
NAME = "requests.sqlite"


def ask(database: FallbackDatabase, at: float = 1.0) -> int:
    return database.run(
        lambda one: one.execute("INSERT INTO asked (at) VALUES (?)", (at,)).lastrowid or 0
    )


def count(database: FallbackDatabase) -> int:
    return int(database.run(lambda one: one.execute("SELECT count(*) FROM asked").fetchone()[0]))


@pytest.fixture
def database(tmp_path: Path):
    made = FallbackDatabase(tmp_path / "cache" / NAME, REQUESTS)
    yield made
    made.close()


def test_it_survives_a_restart(database: FallbackDatabase) -> None:
    ask(database)
    database.close()
    assert count(FallbackDatabase(database.path, REQUESTS)) == 1


def test_it_is_the_groups_too(database: FallbackDatabase) -> None:
    ask(database)
    assert stat.S_IMODE(database.path.stat().st_mode) == 0o660


def test_what_fails_half_way_leaves_nothing(database: FallbackDatabase) -> None:
    def half(one: sqlite3.Connection) -> None:
        one.execute("INSERT INTO asked (at) VALUES (1)")
        raise KeyError

    with pytest.raises(KeyError):
        database.run(half)
    assert count(database) == 0


@pytest.mark.parametrize(
    "content", [b"no database at all" * 500, b"", b"SQLite format 3\x00" * 300]
)
def test_a_damaged_file_is_set_aside(
    database: FallbackDatabase, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    database.path.parent.mkdir()
    database.path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        ask(database)
    assert count(database) == 1
    aside = list(database.path.parent.glob("requests.sqlite.damaged-*"))
    assert [one.read_bytes() for one in aside] == [content]
    assert "it is damaged" in caplog.text


def test_one_that_is_damaged_while_it_is_open(database: FallbackDatabase) -> None:
    for i in range(400):
        ask(database, i)
    database.run(lambda one: one.execute("SELECT 1"))
    other = sqlite3.connect(database.path)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    data = bytearray(database.path.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    with database.path.open("r+b") as file:
        file.write(data)
    assert ask(FallbackDatabase(database.path, REQUESTS))
    assert count(FallbackDatabase(database.path, REQUESTS)) == 1


def test_one_that_was_removed_is_made_anew(database: FallbackDatabase) -> None:
    ask(database)
    for file in database.path.parent.iterdir():
        file.unlink()
    ask(database)
    assert count(database) == 1
    assert database.path.exists()


def test_where_none_can_be_written_this_process_remembers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    database = FallbackDatabase(tmp_path / "cache" / NAME, REQUESTS)
    with caplog.at_level(logging.WARNING):
        ask(database)
        ask(database)
    assert count(database) == 2
    assert len(caplog.records) == 1
    assert "each process counts its own requests" in caplog.text
    database.close()


def test_what_is_only_remembered_is_closed_with_its_last_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.log, "warning", lambda *_: None)  # pytest keeps its records
    (tmp_path / "cache").write_text("a file where the folder would be")
    database = FallbackDatabase(tmp_path / "cache" / NAME, REQUESTS)
    connection = database.run(lambda one: one)
    del database
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_one_that_another_process_holds_for_long(
    database: FallbackDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(database)
    database.close()
    monkeypatch.setattr("zmhook.storage.sqlite.BUSY", 0.05)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert ask(database)
    other.close()
    assert count(database) == 1  # the file again, as soon as it can be had


ADD = """
import sys
from pathlib import Path
from zmhook.storage.shared_database import FallbackDatabase
schema = ("CREATE TABLE asked (number INTEGER PRIMARY KEY, at REAL NOT NULL);",)
database = FallbackDatabase(Path(sys.argv[1]), schema)
print("ready", flush=True)
sys.stdin.readline()
for at in range(50):
    database.run(lambda one: one.execute("INSERT INTO asked (at) VALUES (?)", (at,)))
"""


def test_several_processes_that_begin_at_once(database: FallbackDatabase, root: Path) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-c", ADD, str(database.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(root / "hook")},
            text=True,
        )

    processes = [start() for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=30)[1] for process in processes] == [""] * 4
    assert count(database) == 200
