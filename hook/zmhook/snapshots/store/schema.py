"""The tables of the index: read and write their rows, and say what its errors mean.

`since` and `until` are when the track began and ended, as far as it is known, else when the
picture was taken. `span` is how long that is, as a power of two: which tracks overlap a time is
then a few short stretches of the SQL index `snapshots_overlap`, one for each span there is,
however many rows there are and however long some tracks were. `part` marks what is only a part of
an object (a head, a license plate), which never stands for it.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import json

from zmhook.errors import StoreError
from zmhook.labels import is_part
from zmhook.snapshots.snapshot import Attribute, Classification, SceneBox, StoredSnapshot
from zmhook.storage.corruption import is_damage
from zmhook.storage.disk import FULL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAKE_ROOM = "make room, or lower snapshot_max_size or snapshot_max_age in [snapshots]"
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}

SPANS = 40
"""Spans there can be: 2**40 seconds are 35,000 years."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    camera TEXT NOT NULL,
    topic TEXT NOT NULL,
    format TEXT NOT NULL,
    track_id TEXT NOT NULL,
    taken REAL NOT NULL,
    received REAL NOT NULL,
    monitor_id INTEGER,
    channel INTEGER,
    start REAL,
    end REAL,
    duration REAL,
    ended INTEGER NOT NULL,
    label TEXT NOT NULL,
    score REAL,
    classes TEXT NOT NULL,
    colours TEXT NOT NULL,
    attributes TEXT NOT NULL,
    box TEXT,
    crop TEXT,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    description TEXT,
    since REAL NOT NULL,
    until REAL NOT NULL,
    span INTEGER NOT NULL,
    part INTEGER NOT NULL
);
CREATE INDEX snapshots_overlap ON snapshots (monitor_id, span, since) WHERE part = 0;
CREATE INDEX snapshots_sha256 ON snapshots (sha256);
CREATE INDEX snapshots_track ON snapshots (track_id, camera);
CREATE INDEX snapshots_received ON snapshots (received, size);
CREATE INDEX snapshots_taken ON snapshots (taken);
"""

SCRIPTS = (TABLES,)
"""One for each version of the tables, as `zmhook.storage.sqlite.open_database` takes them."""
VERSION = len(SCRIPTS)

FIELDS = StoredSnapshot.__struct_fields__
_DERIVED = ("since", "until", "span", "part")
_DECODERS: dict[str, json.Decoder[Any]] = {
    "classes": json.Decoder(tuple[Classification, ...]),
    "colours": json.Decoder(tuple[str, ...]),
    "attributes": json.Decoder(dict[str, Attribute]),
    "box": json.Decoder(SceneBox),
    "crop": json.Decoder(SceneBox),
    "description": json.Decoder(dict[str, Attribute]),
}
_AS_JSON = [(FIELDS.index(name), decoder.decode) for name, decoder in _DECODERS.items()]
_ENDED = FIELDS.index("ended")

# The names are this module's own.
COLUMNS = ", ".join(FIELDS)
_ALL = (*FIELDS, *_DERIVED)
PUT = f"INSERT OR REPLACE INTO snapshots ({', '.join(_ALL)}) VALUES ({', '.join('?' * len(_ALL))})"  # noqa: S608
DELETE = "DELETE FROM snapshots WHERE number = ?"
_PUT_NUMBER = "INSERT OR REPLACE INTO meta VALUES ('next_number', ?)"


def select(
    connection: sqlite3.Connection, rest: str, values: Sequence[Any]
) -> list[StoredSnapshot]:
    """Return the rows that `rest`, the SQL after `FROM snapshots`, selects."""
    sql = f"SELECT {COLUMNS} FROM snapshots {rest}"  # noqa: S608 - no values in it
    return [from_values(row) for row in connection.execute(sql, values)]


def next_number(connection: sqlite3.Connection) -> int | None:
    """Return the next picture's number; None in an index that was just made."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'next_number'").fetchone()
    return row[0] if row else None


def put_next_number(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(_PUT_NUMBER, [number])


def to_values(row: StoredSnapshot) -> list[Any]:
    """Return what `PUT` takes."""
    values = [getattr(row, name) for name in FIELDS]
    for position, _ in _AS_JSON:
        if values[position] is not None:
            values[position] = json.encode(values[position]).decode()
    since, until = times(row)
    return [*values, since, until, span(since, until), is_part(row.label)]


def from_values(values: Sequence[Any]) -> StoredSnapshot:
    """Return the row whose `COLUMNS` these are."""
    fields = list(values)
    for position, decode in _AS_JSON:
        if fields[position] is not None:
            fields[position] = decode(fields[position])
    fields[_ENDED] = bool(fields[_ENDED])
    return StoredSnapshot(**dict(zip(FIELDS, fields, strict=True)))


def times(row: StoredSnapshot) -> tuple[float, float]:
    """Return when the track began and ended; where not known, when its picture was taken."""
    since = row.taken if row.start is None else row.start
    return since, max(since, row.taken if row.end is None else row.end)


def span(since: float, until: float) -> int:
    """Return the least power of two, at least 0, with `until - since` <= 2**power."""
    return min((max(0, int(-(-(until - since) // 1)) - 1)).bit_length(), SPANS - 1)


def too_new(folder: Path, version: int) -> str:
    return (
        f"{folder}: its index has version {version}, made by a newer zmhook; this one knows"
        f" {VERSION}: upgrade zmhook, or set another snapshot_path"
    )


# -- what the errors of the disk and of SQLite mean -----------------------------------------------


@contextmanager
def store_errors(folder: Path) -> Iterator[None]:
    """Turn the system's and SQLite's errors into a `StoreError` that names the folder."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{folder}: {_of_system(error)}") from error
    except sqlite3.Error as error:
        raise StoreError(f"{folder}: {_of_index(folder, error)}") from error


def _of_system(error: OSError) -> str:
    reason = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if error.errno in FULL:
        return _full(reason)
    if error.errno in _REFUSED:
        return _refused(reason)
    return f"the store cannot be read or written ({reason})"


def _of_index(folder: Path, error: sqlite3.Error) -> str:
    text = str(error)
    # SQLite does not always pass on what the system reported.
    vague = any(sign in text for sign in ("I/O error", "unable to open"))
    if "full" in text or (vague and _is_full(folder)):
        return _full(text)
    if "readonly" in text or (vague and not os.access(folder, os.W_OK)):
        return _refused(text)
    if is_damage(error):
        return f"the index is damaged ({text}): zmhook snapshots run rebuilds it from the pictures"
    return f"the index cannot be read or written ({text})"


def _full(reason: str) -> str:
    return f"the disk is full, nothing was stored: {MAKE_ROOM} ({reason})"


def _refused(reason: str) -> str:
    return f"it cannot be used: is it read-only, or another user's? ({reason})"


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail == 0
    except OSError:
        return False
