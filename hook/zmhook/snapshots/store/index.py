"""Asking what is stored, beside the one who writes."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from zmhook.errors import NoStore, StoreError
from zmhook.snapshots.store import schema
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.trouble import told
from zmhook.storage.regular import obstacle

if TYPE_CHECKING:
    from typing_extensions import Self

    from zmhook.snapshots.snapshot import Row

BUSY = 5.0
"""Seconds to wait for a lock; readers and the writer hold none against each other for long."""

MOST = 1000
"""Tracks that `overlapping` returns at the most."""

# One look into `snapshots_overlap` for each span there can be; the spans are the outer loop.
_SPANS = ", ".join(f"({power}, {float(2**power)})" for power in range(schema.SPANS))
_OVERLAPPING = f"""
WITH spans (power, seconds) AS (VALUES {_SPANS})
SELECT {schema.COLUMNS} FROM spans CROSS JOIN snapshots INDEXED BY snapshots_overlap
WHERE part = 0 AND monitor_id = :monitor AND span = power
AND since >= :begin - seconds AND since <= :end AND until >= :begin
ORDER BY since LIMIT :most
"""  # noqa: S608 - the names are this package's own


class Index:
    """The index, read-only. Close it; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connects = 0
        self._connect()

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open the index of a store's folder.

        Raises `NoStore` when nothing was ever stored there, and `StoreError` when the index
        cannot be read: damaged, not allowed, or made by a newer zmhook.
        """
        folder = Path(folder)
        with told(folder):
            return cls(folder)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, row: Row) -> Path:
        """Return where a row's picture is. It may have been deleted since the row was read."""
        return self.folder / row.file

    def get(self, number: int) -> Row | None:
        found = self._rows("WHERE number = ?", [number])
        return found[0] if found else None

    def rows(
        self,
        *,
        monitor_id: int | None = None,
        camera: str = "",
        label: str = "",
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Row]:
        """Return what fits all that is given, newest first by when the picture was taken.

        `label` is the camera's, in any case of letters; `since` and `until` are seconds since
        the epoch, both included.
        """
        wanted = [
            ("monitor_id = ?", monitor_id),
            ("camera = ?", camera or None),
            ("label = ? COLLATE NOCASE", label or None),
            ("taken >= ?", since),
            ("taken <= ?", until),
        ]
        given = [(sql, value) for sql, value in wanted if value is not None]
        where = " AND ".join(sql for sql, _ in given) or "1"
        return self._rows(
            f"WHERE {where} ORDER BY taken DESC, number DESC LIMIT ? OFFSET ?",
            [*(value for _, value in given), limit, offset],
        )

    def overlapping(self, monitor_id: int, begin: float, end: float, most: int = MOST) -> list[Row]:
        """Return the monitor's tracks that were seen in `begin`..`end` (seconds since the epoch).

        A track lasts from its start to its end, each the time of its picture when not known. What
        is only a part of an object (Head, Face, LicensePlate) is left out. Earliest first.
        """
        given = {"monitor": monitor_id, "begin": begin, "end": end, "most": most}
        with told(self.folder):
            found = self._connection.execute(_OVERLAPPING, given).fetchall()
        return [schema.from_values(values) for values in found]

    def version(self) -> int:
        """Return a number that is another one after each commit of the writer."""
        with told(self.folder):
            if _state(self.folder / INDEX) != self._state:
                self.close()
                self._connect()
        return self._connects * 2**32 + self._number("PRAGMA data_version")

    def count(self) -> int:
        return self._number("SELECT count(*) FROM snapshots")

    def _connect(self) -> None:
        self._state = _state(self.folder / INDEX)
        self._connection = _connect(self.folder, self._state)
        self._connects += 1

    def _rows(self, rest: str, given: list[Any]) -> list[Row]:
        with told(self.folder):
            found = self._connection.execute(
                f"SELECT {schema.COLUMNS} FROM snapshots {rest}",  # noqa: S608 - no values in it
                given,
            ).fetchall()
        return [schema.from_values(values) for values in found]

    def _number(self, sql: str) -> int:
        with told(self.folder):
            found: int = self._connection.execute(sql).fetchone()[0]
        return found


class _State(NamedTuple):
    """Which file the index is, and how it is to be opened.

    Who may read but not write the folder cannot make the files that SQLite keeps beside an index
    in use (`frozen`); while nobody has made them, nobody writes, and the file alone is all there
    is.
    """

    device: int
    inode: int
    frozen: bool


def _state(path: Path) -> _State | None:
    if what := obstacle(path):
        raise StoreError(f"{path}: {what} lies in its place; zmhook snapshots run sets it aside")
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    in_use = path.with_name(f"{INDEX}-wal").exists()
    return _State(found.st_dev, found.st_ino, not in_use and not os.access(path.parent, os.W_OK))


def _connect(folder: Path, state: _State | None) -> sqlite3.Connection:
    if state is None:
        raise NoStore(
            f"{folder}: no snapshots are stored there: start zmhook snapshots run, or correct"
            " snapshot_path in [snapshots]"
        )
    uri = f"file:{quote(str(folder / INDEX))}?mode=ro{'&immutable=1' if state.frozen else ''}"
    # One thread at a time, but not always the same: the service asks from a pool of them.
    connection = sqlite3.connect(
        uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    try:
        _check(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, folder: Path) -> None:
    found = schema.version(connection)
    if found > schema.VERSION:
        raise StoreError(schema.too_new(folder, found))
    if found < schema.VERSION:
        raise NoStore(f"{folder}: its index is still being made; try again in a moment")
