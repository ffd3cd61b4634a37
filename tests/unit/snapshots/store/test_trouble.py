import errno
import os
import sqlite3
from pathlib import Path

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.store.trouble import is_damage, told


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full, nothing was stored"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full, nothing was stored"),
        (
            OSError(errno.EROFS, "Read-only file system", "/x"),
            "cannot be used.*/x: Read-only",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied"),
            "cannot be used: is it read-only",
        ),
        (OSError(errno.EIO, "Input/output error", "/x"), "cannot be read or written .*/x: Input"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full"),
        (
            sqlite3.OperationalError("attempt to write a readonly database"),
            "cannot be used: is it read-only",
        ),
        (
            sqlite3.DatabaseError("file is not a database"),
            "damaged .* snapshots run makes it again",
        ),
        (sqlite3.OperationalError("database is locked"), "index cannot be read or written"),
    ],
)
def test_each_trouble_is_one_line_that_names_the_folder(error, message):
    with pytest.raises(StoreError, match=f"^/snaps: .*{message}") as caught, told(Path("/snaps")):
        raise error
    assert "\n" not in str(caught.value)


def test_what_is_told_already_is_left_as_it_is():
    with pytest.raises(StoreError, match=r"^mine$"), told(Path("/snaps")):
        raise StoreError("mine")


@pytest.fixture(params=["with codes", "without, as before Python 3.11"])
def real(request, tmp_path):
    """Make SQLite itself complain."""

    def complain(data):
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


def test_damage_is_told_from_other_trouble(real, tmp_path):
    assert is_damage(real(b"nonsense" * 1000))
    assert not is_damage(real(b""))  # no such table


def test_a_file_that_was_cut_is_damaged(real, tmp_path):
    path = tmp_path / "whole.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", [[os.urandom(900)] for _ in range(99)])
    connection.commit()
    connection.close()
    assert is_damage(real(path.read_bytes()[:20_000]))
