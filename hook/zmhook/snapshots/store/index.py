"""Read the index, while another process writes to it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import NoStore, StoreError
from zmhook.snapshots.store import schema
from zmhook.snapshots.store.layout import INDEX
from zmhook.snapshots.store.schema import store_errors
from zmhook.storage.regular import obstacle
from zmhook.storage.sqlite import BUSY, readonly_uri, user_version

if TYPE_CHECKING:
    from typing_extensions import Self

    from zmhook.snapshots.snapshot import StoredSnapshot

MOST = 1000
"""Tracks that `overlapping` returns at the most."""

# One search of `snapshots_overlap` for each span there can be; the spans are the outer loop.
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
        with store_errors(folder):
            return cls(folder)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, row: StoredSnapshot) -> Path:
        """Return where a row's picture is. It may have been deleted since the row was read."""
        return self.folder / row.file

    def get(self, number: int) -> StoredSnapshot | None:
        rows = self._rows("WHERE number = ?", [number])
        return rows[0] if rows else None

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
    ) -> list[StoredSnapshot]:
        """Return the rows that match every argument, newest first by when the picture was taken.

        `label` is the camera's, in any case of letters; `since` and `until` are seconds since
        the epoch, both included.
        """
        conditions = [
            ("monitor_id = ?", monitor_id),
            ("camera = ?", camera or None),
            ("label = ? COLLATE NOCASE", label or None),
            ("taken >= ?", since),
            ("taken <= ?", until),
        ]
        conditions = [(sql, value) for sql, value in conditions if value is not None]
        where = " AND ".join(sql for sql, _ in conditions) or "1"
        return self._rows(
            f"WHERE {where} ORDER BY taken DESC, number DESC LIMIT ? OFFSET ?",
            [*(value for _, value in conditions), limit, offset],
        )

    def overlapping(
        self, monitor_id: int, begin: float, end: float, most: int = MOST
    ) -> list[StoredSnapshot]:
        """Return the monitor's tracks that lasted into `begin`..`end` (seconds since the epoch).

        A track lasts from its start to its end, each the time of its picture when not known. What
        is only a part of an object (Head, Face, LicensePlate) is left out. Earliest first.
        """
        values = {"monitor": monitor_id, "begin": begin, "end": end, "most": most}
        with store_errors(self.folder):
            rows = self._connection.execute(_OVERLAPPING, values).fetchall()
        return [schema.from_values(row) for row in rows]

    def version(self) -> int:
        """Return a number that is another one after each commit of the writer."""
        with store_errors(self.folder):
            if _index_state(self.folder / INDEX) != self._state:
                self.close()
                self._connect()
        return self._connects * 2**32 + self._number("PRAGMA data_version")

    def count(self) -> int:
        return self._number("SELECT count(*) FROM snapshots")

    def _connect(self) -> None:
        self._state = _index_state(self.folder / INDEX)
        self._connection = _connect(self.folder, self._state)
        self._connects += 1

    def _rows(self, rest: str, values: list[Any]) -> list[StoredSnapshot]:
        with store_errors(self.folder):
            return schema.select(self._connection, rest, values)

    def _number(self, sql: str) -> int:
        with store_errors(self.folder):
            number: int = self._connection.execute(sql).fetchone()[0]
        return number


class _IndexState(NamedTuple):
    """Which file the index is, and the URI that opens it."""

    device: int
    inode: int
    uri: str


def _index_state(path: Path) -> _IndexState | None:
    if kind := obstacle(path):
        raise StoreError(f"{path}: {kind} lies in its place; zmhook snapshots run sets it aside")
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _IndexState(status.st_dev, status.st_ino, readonly_uri(path))


def _connect(folder: Path, state: _IndexState | None) -> sqlite3.Connection:
    if state is None:
        raise NoStore(
            f"{folder}: no best snapshots are stored there: start zmhook snapshots run, or correct"
            " snapshot_path in [snapshots]"
        )
    # One thread at a time, but not always the same: the service reads from a pool of them.
    connection = sqlite3.connect(
        state.uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )
    try:
        _check(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, folder: Path) -> None:
    version = user_version(connection)
    if version > schema.VERSION:
        raise StoreError(schema.too_new(folder, version))
    if version < schema.VERSION:
        raise NoStore(f"{folder}: its index is still being made; try again in a moment")
