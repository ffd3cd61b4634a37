from __future__ import annotations

import logging
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zmhook.storage.fallback_database import FallbackDatabase

SCHEMA = ("CREATE TABLE asked (number INTEGER PRIMARY KEY, at REAL NOT NULL);",)
NAME = "requests.sqlite"


def add(database: FallbackDatabase, at: float = 1.0) -> int:
    return database.run(
        lambda one: one.execute("INSERT INTO asked (at) VALUES (?)", (at,)).lastrowid or 0
    )


def count(database: FallbackDatabase) -> int:
    return int(database.run(lambda one: one.execute("SELECT count(*) FROM asked").fetchone()[0]))


@pytest.fixture
def database(tmp_path: Path):
    made = FallbackDatabase(tmp_path / "cache" / NAME, SCHEMA)
    yield made
    made.close()


def test_it_survives_a_restart(database: FallbackDatabase) -> None:
    add(database)
    database.close()
    assert count(FallbackDatabase(database.path, SCHEMA)) == 1


def test_it_is_the_groups_too(database: FallbackDatabase) -> None:
    add(database)
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
        add(database)
    assert count(database) == 1
    aside = list(database.path.parent.glob("requests.sqlite.damaged-*"))
    assert [one.read_bytes() for one in aside] == [content]
    assert "it is damaged" in caplog.text


def test_one_that_is_damaged_while_it_is_open(database: FallbackDatabase) -> None:
    for i in range(400):
        add(database, i)
    database.run(lambda one: one.execute("SELECT 1"))
    other = sqlite3.connect(database.path)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    data = bytearray(database.path.read_bytes())
    data[100:] = os.urandom(len(data) - 100)
    with database.path.open("r+b") as file:
        file.write(data)
    assert add(FallbackDatabase(database.path, SCHEMA))
    assert count(FallbackDatabase(database.path, SCHEMA)) == 1


def test_one_that_was_removed_is_made_anew(database: FallbackDatabase) -> None:
    add(database)
    for file in database.path.parent.iterdir():
        file.unlink()
    add(database)
    assert count(database) == 1
    assert database.path.exists()


def test_where_none_can_be_written_this_process_remembers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    database = FallbackDatabase(tmp_path / "cache" / NAME, SCHEMA)
    with caplog.at_level(logging.WARNING):
        add(database)
        add(database)
    assert count(database) == 2
    assert len(caplog.records) == 1
    assert "each process counts its own requests" in caplog.text
    database.close()


def test_one_that_another_process_holds_for_long(
    database: FallbackDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database)
    database.close()
    monkeypatch.setattr("zmhook.storage.sqlite.BUSY", 0.05)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert add(database)
    other.close()
    assert count(database) == 1  # the file again, as soon as it can be had


ADD = """
import sys
from pathlib import Path
from zmhook.storage.fallback_database import FallbackDatabase
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
