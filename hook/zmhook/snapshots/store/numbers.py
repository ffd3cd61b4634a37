"""The number that comes next: it only grows, whatever is deleted or lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.snapshots.store import lines
from zmhook.snapshots.store.layout import COUNTER, HIGHEST
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

LONGEST_COUNTER = 32

_PUT = "INSERT OR REPLACE INTO meta VALUES ('next_number', ?)"

log = logging.getLogger(__name__)


def first_free(folder: Path, connection: sqlite3.Connection, behind_files: int) -> int:
    """Return the number to go on with, and keep it.

    It is behind all pictures (`behind_files`), all that the index knows of, what the earlier
    script's counter says, and, in an index that was just made, all JSON lines.
    """
    found = connection.execute("SELECT value FROM meta WHERE key = 'next_number'").fetchone()
    known = found[0] if found else lines.highest(folder) + 1
    number = max(known, behind_files, counter(folder))
    if number != (found and found[0]):
        keep(connection, number)
    return number


def keep(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(_PUT, [number])


def counter(folder: Path) -> int:
    """Return what the earlier script's text file says comes next; 0 when it says nothing."""
    try:
        with reading(folder / COUNTER, follow=True) as file:
            text = file.read(LONGEST_COUNTER)
        number = int(text)
    except FileNotFoundError:
        return 0
    except ValueError:
        number = -1
    if 0 <= number < HIGHEST:
        return number
    log.warning("%s holds no number: the pictures alone say which comes next", folder / COUNTER)
    return 0
