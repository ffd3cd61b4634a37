"""The writer's side of the index: what is there, and what comes to it."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from zmhook.snapshots.store import numbers, rebuild, retention, schema
from zmhook.snapshots.store.layout import INDEX, folder_name
from zmhook.snapshots.store.rows import FOUND
from zmhook.snapshots.store.writer import connect, is_same, transaction
from zmhook.storage.sqlite import check_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from zmhook.snapshots.snapshot import Row, Snapshot
    from zmhook.snapshots.store.limits import Limits
    from zmhook.snapshots.store.lines import Lines
    from zmhook.snapshots.store.retention import Victim

# The same picture of the same track; or one of which nothing else is known, its line being lost.
_SAME = """
WHERE sha256 = ? AND ((camera = ? AND channel IS ? AND track_id = ?) OR format = ?)
ORDER BY format = ? LIMIT 1
"""

log = logging.getLogger(__name__)


class Ledger:
    """The index, open for writing, and at one with the pictures when it was opened.

    `next_number` is that of the next picture; `held` what there is; `empty` the folders that
    have no pictures any more. The methods raise `sqlite3.Error` and `OSError`.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection
        self._opened = (folder / INDEX).stat()
        self.next_number = 0
        self.held = retention.Held(0, 0)
        self.empty: set[str] = set()

    @classmethod
    def open(cls, folder: Path, lines: Lines) -> Self:
        """Open the index, make it when there is none; `StoreError` when it is a newer zmhook's."""
        connection = connect(folder)
        try:
            ledger = cls(folder, connection)
            ledger._reconcile(lines)
        except BaseException:
            connection.close()
            raise
        return ledger

    def close(self) -> None:
        self._connection.close()

    def is_there(self) -> bool:
        """Whether the index's file is still that which was opened: somebody may delete it."""
        return is_same(self._folder, self._opened)

    def check_tables(self) -> None:
        """Raise `sqlite3.DatabaseError` when the tables are not those that we made."""
        check_schema(self._connection, (schema.TABLES,))

    def check(self) -> None:
        """Look at the file itself, not at what is in memory of it; raise what is wrong with it."""
        with closing(sqlite3.connect(self._folder / INDEX, isolation_level=None)) as fresh:
            if schema.version(fresh) != schema.VERSION:
                raise sqlite3.DatabaseError("malformed: its version is another one")
            check_schema(fresh, (schema.TABLES,))
            fresh.execute("SELECT max(number) FROM snapshots").fetchone()

    def get(self, number: int) -> Row | None:
        found = self._rows("WHERE number = ?", [number])
        return found[0] if found else None

    def same(self, snapshot: Snapshot, sha256: str) -> Row | None:
        """Return the row of this very picture of this very track."""
        track = [snapshot.camera, snapshot.channel, snapshot.track_id]
        found = self._rows(_SAME, [sha256, *track, FOUND, FOUND])
        return found[0] if found else None

    def of_track(
        self, camera: str, channel: int | None, track_id: str, since: float, most: int
    ) -> list[Row]:
        """Return the rows of a track that were received after `since`, newest first."""
        return self._rows(
            "WHERE track_id = ? AND camera = ? AND channel IS ? AND received >= ?"
            " ORDER BY received DESC, number DESC LIMIT ?",
            [track_id, camera, channel, since, most],
        )

    def undescribed(self, since: float, most: int) -> list[Row]:
        """Return the newest that came in a message and have no description, oldest first."""
        found = self._rows(
            "WHERE received >= ? AND description IS NULL AND format != ?"
            " ORDER BY received DESC, number DESC LIMIT ?",
            [since, FOUND, most],
        )
        return found[::-1]

    def put(self, new: Sequence[Row], changed: Iterable[Row] = ()) -> None:
        """Store rows, for good: `new` ones in the order of their numbers, and `changed` ones."""
        following = new[-1].number + 1 if new else self.next_number
        with transaction(self._connection):
            values = map(schema.to_values, (*new, *changed))
            self._connection.executemany(schema.PUT, values)
            numbers.keep(self._connection, following)
        self.next_number = following
        count, size = self.held
        self.held = retention.Held(count + len(new), size + sum(row.size for row in new))

    def victims(self, limits: Limits, now: float) -> list[Victim]:
        return retention.victims(self._connection, limits, now, self.held)

    def remove(self, gone: Sequence[Victim]) -> None:
        """Drop the rows of pictures that are deleted."""
        with transaction(self._connection):
            self._connection.executemany(
                "DELETE FROM snapshots WHERE number = ?", [[victim.number] for victim in gone]
            )
        count, size = self.held
        self.held = retention.Held(count - len(gone), size - sum(one.size for one in gone))
        self.empty |= {victim.file.partition("/")[0] for victim in gone}

    def oldest(self) -> float | None:
        return retention.oldest(self._connection)

    def remove_empty(self) -> None:
        """Remove folders without pictures, but for the last: its lines tell its numbers."""
        last = folder_name(max(0, self.next_number - 1))
        for name in sorted(self.empty - {last}):
            retention.remove_folder(self._folder, self._connection, name)
            self.empty.discard(name)

    def _rows(self, rest: str, given: list[Any]) -> list[Row]:
        sql = f"SELECT {schema.COLUMNS} FROM snapshots {rest}"  # noqa: S608 - no values in it
        return [schema.from_values(values) for values in self._connection.execute(sql, given)]

    def _reconcile(self, lines: Lines) -> None:
        folder, connection = self._folder, self._connection
        found = rebuild.reconcile(folder, connection, lines)
        number = numbers.first_free(folder, connection, found.behind)
        self.next_number = rebuild.move(folder, connection, lines, found.strays, number)
        self.held = retention.held(connection)
        self.empty = set(found.empty)
        adopted = found.adopted + len(found.strays)
        if adopted:
            log.info("%s: %d pictures that the index did not have were added", folder, adopted)
        if found.dropped:
            log.warning("%s: %d pictures are gone, their rows too", folder, found.dropped)
