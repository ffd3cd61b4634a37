"""A damaged file is renamed once, with what belongs to it, and few of them are kept."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.storage import corruption
from zmhook.storage.corruption import Damaged, identity, is_damage, raising_damaged, set_aside


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
