import errno
import sqlite3
from pathlib import Path

import pytest

from zmhook.errors import StoreError
from zmhook.snapshots.store.store_errors import store_errors


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
            "damaged .* snapshots run rebuilds it",
        ),
        (sqlite3.OperationalError("database is locked"), "index cannot be read or written"),
    ],
)
def test_each_error_is_one_line_that_names_the_folder(error, message):
    with (
        pytest.raises(StoreError, match=f"^/snaps: .*{message}") as caught,
        store_errors(Path("/snaps")),
    ):
        raise error
    assert "\n" not in str(caught.value)


def test_a_store_error_is_left_as_it_is():
    with pytest.raises(StoreError, match=r"^mine$"), store_errors(Path("/snaps")):
        raise StoreError("mine")
