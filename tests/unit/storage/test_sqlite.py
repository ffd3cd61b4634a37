"""Databases of our own: made, brought up to date, replaced when damaged, refused with a reason."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from zmhook.errors import NoState, StateError
from zmhook.storage import sqlite
from zmhook.storage.corruption import damage_count
from zmhook.storage.sqlite import open_database, transaction, use

SCHEMA = ("CREATE TABLE things (name TEXT); CREATE INDEX things_name ON things (name);",)
NEWER = (
    *SCHEMA,
    "ALTER TABLE things ADD COLUMN colour TEXT; INSERT INTO things VALUES ('b', ';');",
)
ROOT = os.geteuid() == 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "things.sqlite"


def names(path: Path, schema=SCHEMA) -> list[str]:
    rows = use(path, schema, lambda one: one.execute("SELECT name FROM things").fetchall())
    return [row[0] for row in rows]


def add(path: Path, name: str) -> None:
    use(path, SCHEMA, lambda one: one.execute("INSERT INTO things VALUES (?)", [name]))


def pragma(connection: sqlite3.Connection, name: str):
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_folder_and_tables_are_made(path: Path) -> None:
    with closing(open_database(path, SCHEMA)) as connection:
        assert pragma(connection, "journal_mode") == "wal"
        assert pragma(connection, "synchronous") == 1
        assert pragma(connection, "auto_vacuum") == 2
        assert pragma(connection, "busy_timeout") == sqlite.BUSY * 1000
        assert pragma(connection, "user_version") == 1
    assert stat.S_IMODE(path.stat().st_mode) == sqlite.MODE


def test_what_is_stored_is_there_again(path: Path) -> None:
    add(path, "a")
    assert names(path) == ["a"]


def test_an_older_file_is_brought_up_to_date_and_keeps_its_rows(path: Path) -> None:
    add(path, "a")
    rows = use(path, NEWER, lambda one: one.execute("SELECT * FROM things").fetchall())
    assert rows == [("a", None), ("b", ";")]
    assert names(path, NEWER) == ["a", "b"], "the second step was run once"


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    add(path, "a")
    with pytest.raises(StateError, match="no such table"):
        open_database(path, (*SCHEMA, "CREATE TABLE more (x); INSERT INTO nowhere VALUES (1);"))
    assert names(path) == ["a"]
    tables = use(path, SCHEMA, lambda one: one.execute("SELECT name FROM sqlite_master").fetchall())
    assert ("more",) not in tables


def test_a_newer_file_is_left_alone(path: Path) -> None:
    open_database(path, NEWER).close()
    with pytest.raises(StateError, match=r"version 2, made by a newer zmhook.*upgrade"):
        open_database(path, SCHEMA)
    assert names(path, NEWER) == ["b"]


@pytest.mark.parametrize("garbage", [b"nonsense" * 1000, b"\0" * 5000])
def test_a_damaged_file_is_set_aside(
    path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(garbage)
    with caplog.at_level(logging.WARNING):
        add(path, "a")
    assert names(path) == ["a"]
    [aside] = path.parent.glob("things.sqlite.damaged-*")
    assert aside.read_bytes() == garbage
    [message] = caplog.messages
    assert message.startswith(f"{path}: it is damaged (")
    assert aside.name in message


def damage_inside(path: Path) -> None:
    """Leave the first page whole: it shows only when the tables are read."""
    for number in range(300):
        add(path, f"{number:0200}")
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


def test_damage_that_shows_later_is_set_aside_too(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage_inside(path)
    add(path, "new")
    assert names(path) == ["new"]
    assert "it is damaged" in caplog.text
    assert len(list(path.parent.glob("things.sqlite.damaged-*"))) == 1


@pytest.mark.parametrize("successor", [b"", None], ids=["and made anew", "and not made yet"])
def test_a_file_that_another_process_sets_aside_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch, successor: bytes | None
) -> None:
    add(path, "a")
    connect = sqlite3.connect

    def slowly(database: str, **how: object) -> sqlite3.Connection:
        monkeypatch.setattr(sqlite.sqlite3, "connect", connect)
        path.rename(path.with_name("aside"))
        try:
            return connect(database, **how)  # type: ignore[call-overload, no-any-return]
        finally:
            if successor is not None:
                add(path, "b")

    monkeypatch.setattr(sqlite.sqlite3, "connect", slowly)
    assert names(path) == ([] if successor is None else ["b"])
    assert not damage_count(path).count


def test_a_damaged_file_is_not_touched_by_who_only_reads(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(StateError, match=r"it is damaged \(.*the next event sets it aside"):
        open_database(path, SCHEMA, readonly=True)
    assert path.read_bytes() == b"nonsense" * 1000


def test_an_error_of_the_task_is_no_damage(path: Path) -> None:
    add(path, "a")
    with pytest.raises(StateError, match=r"things\.sqlite: .*no such table: nowhere"):
        use(path, SCHEMA, lambda one: one.execute("SELECT * FROM nowhere"))
    assert names(path) == ["a"]


def test_reading_makes_nothing(path: Path) -> None:
    with pytest.raises(NoState, match="nothing is recorded there yet"):
        open_database(path, SCHEMA, readonly=True)
    assert not path.parent.exists()
    add(path, "a")
    with closing(open_database(path, SCHEMA, readonly=True)) as connection:
        assert connection.execute("SELECT * FROM things").fetchall() == [("a",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("DELETE FROM things")


def test_reading_does_not_bring_up_to_date(path: Path) -> None:
    add(path, "a")
    with pytest.raises(NoState, match="still being made"):
        open_database(path, NEWER, readonly=True)


def as_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


OBSTACLES: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a folder": os.mkdir,
    "a socket": as_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link that leads nowhere": lambda path: path.symlink_to("/nonexistent"),
    "a loop": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("put", OBSTACLES.values(), ids=OBSTACLES)
def test_what_is_no_file_is_set_aside_and_counted(put: Callable[[Path], object], path: Path):
    path.parent.mkdir()
    put(path)
    with pytest.raises(StateError, match=r"lies in its place.*the next event sets it aside"):
        use(path, SCHEMA, lambda one: one.execute("SELECT 1"), readonly=True)
    add(path, "a")
    assert names(path) == ["a"]
    assert damage_count(path).count == 1
    assert "lies in its place" in damage_count(path).reason
    assert [one for one in path.parent.iterdir() if ".damaged-" in one.name]


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("put", OBSTACLES.values(), ids=OBSTACLES)
def test_what_lies_beside_it_does_not_cost_what_is_in_it(
    put: Callable[[Path], object], suffix: str, path: Path
):
    add(path, "a")
    put(path.with_name(path.name + suffix))
    assert names(path) == ["a"]


def test_an_empty_file_is_a_damaged_one(path: Path) -> None:
    add(path, "a")
    os.truncate(path, 0)
    with pytest.raises(StateError, match="it is empty"):
        use(path, SCHEMA, lambda one: one.execute("SELECT 1"), readonly=True)
    assert names(path) == []
    assert damage_count(path).count == 1


def test_a_link_to_a_database_elsewhere_is_followed(path: Path, tmp_path: Path) -> None:
    add(tmp_path / "real.sqlite", "a")
    path.parent.mkdir()
    path.symlink_to(tmp_path / "real.sqlite")
    assert names(path) == ["a"]
    assert path.is_symlink()


def test_what_a_killed_process_was_making_is_made_again(path: Path) -> None:
    path.parent.mkdir()
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f".{path.name}.new{suffix}").write_bytes(b"half of it")
    add(path, "a")
    assert sorted(one.name for one in path.parent.iterdir()) == [path.name]


def test_a_file_in_the_place_of_its_folder_is_named(path: Path) -> None:
    path.parent.write_text("")
    with pytest.raises(StateError, match=f"{path}: it cannot be read or written"):
        open_database(path, SCHEMA)


def test_a_full_disk_says_so(path: Path) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {pragma(connection, 'page_count')}")
        with transaction(connection):
            connection.executemany("INSERT INTO things VALUES (?)", [("x" * 500,)] * 100)

    with pytest.raises(StateError, match="the disk is full, nothing was stored: make room"):
        use(path, SCHEMA, fill)
    assert names(path) == []


def test_a_lock_that_does_not_end_is_not_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY", 0.05)
    with closing(open_database(path, SCHEMA)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="another process kept it locked"):
            add(path, "a")
        other.execute("COMMIT")
    add(path, "a")


def test_a_transaction_is_all_or_nothing(path: Path) -> None:
    with closing(open_database(path, SCHEMA)) as connection:
        with pytest.raises(sqlite3.IntegrityError), transaction(connection):
            connection.executemany("INSERT INTO things (rowid, name) VALUES (1, ?)", ["a", "a"])
        with transaction(connection):
            connection.execute("INSERT INTO things VALUES ('b')")
    assert names(path) == ["b"]


def test_without_the_sidecar_files_a_read_only_folder_can_be_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(path, "a")
    assert not path.with_name("things.sqlite-wal").exists()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with closing(open_database(path, SCHEMA, readonly=True)) as connection:
        assert connection.execute("SELECT * FROM things").fetchall() == [("a",)]
    assert [file.name for file in path.parent.iterdir()] == ["things.sqlite"]
