"""The writer's side of the index: look rows up, put them in, take them out."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from zmhook.errors import StateError, StoreError
from zmhook.snapshots.store import rebuild, retention, schema
from zmhook.snapshots.store.layout import INDEX, folder_name
from zmhook.snapshots.store.rows import FILE_ONLY, clean_key
from zmhook.storage import sqlite
from zmhook.storage.corruption import identity
from zmhook.storage.sqlite import check_schema, transaction, user_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from zmhook.snapshots.snapshot import Amendment, BestSnapshot, StoredSnapshot
    from zmhook.snapshots.store.jsonl import JsonLines
    from zmhook.snapshots.store.retention import StoreLimits, Victim

# The same picture of the same track; or one of which nothing else is known, its line being lost.
_SAME = """
WHERE sha256 = ? AND ((camera = ? AND channel IS ? AND track_id = ?) OR format = ?)
ORDER BY format = ? LIMIT 1
"""

MOST_AMENDED = 50
"""Pictures of one track that are amended, the newest."""
OPEN_FOR = 86_400.0
"""Seconds after its last picture that a track which has not ended may be amended."""
ENDED_FOR = 600.0
"""The same, when it has ended."""
SAME_START = 2.0
"""Seconds by which two starts of one track may differ."""

log = logging.getLogger(__name__)


class IndexWriter:
    """The index, open for writing, and in agreement with the pictures when it was opened.

    `next_number` is that of the next picture; `used` counts the pictures; `empty` names the folders
    that have none any more. The methods raise `sqlite3.Error` and `OSError`.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection
        self._file = identity(folder / INDEX)
        self.next_number = 0
        self.used = retention.StoreUsage(0, 0)
        self.empty: set[str] = set()

    @classmethod
    def open(cls, folder: Path, lines: JsonLines) -> Self:
        """Open the index, make it when there is none; `StoreError` when it is a newer zmhook's."""
        connection = connect(folder)
        try:
            writer = cls(folder, connection)
            writer._reconcile(lines)
        except BaseException:
            connection.close()
            raise
        return writer

    def close(self) -> None:
        self._connection.close()

    def is_there(self) -> bool:
        """Whether the index's file is still the one that was opened: somebody may delete it."""
        return identity(self._folder / INDEX) == self._file

    def check_tables(self) -> None:
        """Raise `sqlite3.DatabaseError` when the tables are not those that we made."""
        check_schema(self._connection, schema.SCRIPTS)

    def check(self) -> None:
        """Check the file itself, not what is in memory of it; raise what is wrong with it."""
        with closing(sqlite3.connect(self._folder / INDEX, isolation_level=None)) as fresh:
            if user_version(fresh) != schema.VERSION:
                raise sqlite3.DatabaseError("malformed: its version is another one")
            check_schema(fresh, schema.SCRIPTS)
            fresh.execute("SELECT max(number) FROM snapshots").fetchone()

    def get(self, number: int) -> StoredSnapshot | None:
        rows = self._rows("WHERE number = ?", [number])
        return rows[0] if rows else None

    def same(self, snapshot: BestSnapshot, sha256: str) -> StoredSnapshot | None:
        """Return the row of this very picture of this very track."""
        track = [snapshot.camera, snapshot.channel, snapshot.track_id]
        rows = self._rows(_SAME, [sha256, *track, FILE_ONLY, FILE_ONLY])
        return rows[0] if rows else None

    def of_track(self, amendment: Amendment, now: float) -> list[StoredSnapshot]:
        """Return the rows of the track that an amendment, which came `now`, is about, newest first.

        A camera that names its tracks by short numbers reuses them after a restart, so a name alone
        does not identify a track: one that ended long ago is left out.
        """
        if not amendment.track_id:
            return []
        camera, channel, track_id = clean_key(amendment)
        rows = self._rows(
            "WHERE track_id = ? AND camera = ? AND channel IS ? AND received >= ?"
            " ORDER BY received DESC, number DESC LIMIT ?",
            [track_id, camera, channel, now - OPEN_FOR, MOST_AMENDED],
        )
        return [row for row in rows if _concerns(amendment, row, rows[0], now)]

    def undescribed(self, since: float, most: int) -> list[StoredSnapshot]:
        """Return the newest that came in a message and have no description, oldest first."""
        rows = self._rows(
            "WHERE received >= ? AND description IS NULL AND format != ?"
            " ORDER BY received DESC, number DESC LIMIT ?",
            [since, FILE_ONLY, most],
        )
        return rows[::-1]

    def put(self, new: Sequence[StoredSnapshot], changed: Iterable[StoredSnapshot] = ()) -> None:
        """Store rows, for good: `new` ones in the order of their numbers, and `changed` ones."""
        following = new[-1].number + 1 if new else self.next_number
        with transaction(self._connection):
            values = map(schema.to_values, (*new, *changed))
            self._connection.executemany(schema.PUT, values)
            schema.put_next_number(self._connection, following)
        self.next_number = following
        count, size = self.used
        self.used = retention.StoreUsage(count + len(new), size + sum(row.size for row in new))

    def victims(self, limits: StoreLimits, now: float) -> list[Victim]:
        return retention.victims(self._connection, limits, now, self.used)

    def remove(self, victims: Sequence[Victim]) -> None:
        """Drop the rows of pictures that are deleted."""
        with transaction(self._connection):
            self._connection.executemany(schema.DELETE, [[victim.number] for victim in victims])
        count, size = self.used
        self.used = retention.StoreUsage(
            count - len(victims), size - sum(victim.size for victim in victims)
        )
        self.empty |= {victim.file.partition("/")[0] for victim in victims}

    def oldest(self) -> float | None:
        return retention.oldest(self._connection)

    def remove_empty(self) -> None:
        """Remove folders without pictures, except the last: its lines hold its numbers."""
        last = folder_name(max(0, self.next_number - 1))
        for name in sorted(self.empty - {last}):
            retention.remove_folder(self._folder, self._connection, name)
            self.empty.discard(name)

    def _rows(self, rest: str, values: list[Any]) -> list[StoredSnapshot]:
        return schema.select(self._connection, rest, values)

    def _reconcile(self, lines: JsonLines) -> None:
        folder, connection = self._folder, self._connection
        outcome = rebuild.reconcile(folder, connection, lines)
        number = rebuild.first_free(folder, connection, outcome.behind)
        self.next_number = rebuild.move(folder, connection, lines, outcome.strays, number)
        self.used = retention.usage(connection)
        self.empty = set(outcome.empty)
        adopted = outcome.adopted + len(outcome.strays)
        if adopted:
            log.info("%s: %d pictures that the index did not have were added", folder, adopted)
        if outcome.dropped:
            log.warning("%s: %d pictures are gone, their rows too", folder, outcome.dropped)


def connect(folder: Path) -> sqlite3.Connection:
    """Open the index for writing; make it when there is none, set a damaged one aside.

    Raises `StoreError` when a newer zmhook made the index, `sqlite3.Error` and `OSError`.
    """
    try:
        # Handlers store their results from threads of their own; `Store` lets in one at a time.
        return sqlite.connect(folder / INDEX, schema.SCRIPTS, any_thread=True, sole_writer=True)
    except StateError as error:
        raise StoreError(str(error)) from error


def _concerns(
    amendment: Amendment, row: StoredSnapshot, newest: StoredSnapshot, now: float
) -> bool:
    if row.ended and row.received < now - ENDED_FOR:
        return False
    # Of the pictures under one name, those of the last track that had it.
    start = newest.start if amendment.start is None else amendment.start
    return start is None or row.start is None or abs(row.start - start) <= SAME_START
