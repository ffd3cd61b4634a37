"""The writer's side of the index: look rows up, put them in, take the oldest out."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import StateError, StoreError
from zmhook.snapshots.store import rebuild, records, schema
from zmhook.snapshots.store.layout import INDEX, PER_FOLDER, folder_name
from zmhook.snapshots.store.rows import FILE_ONLY, clean_key
from zmhook.storage import sqlite
from zmhook.storage.corruption import identity
from zmhook.storage.sqlite import check_schema, transaction, user_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from zmhook.settings import Snapshots
    from zmhook.snapshots.snapshot import Amendment, BestSnapshot, StoredSnapshot
    from zmhook.snapshots.store.records import JsonLines

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

DAY = 86400.0
MEGABYTE = 1_000_000

STEP = 200
"""Pictures that are deleted at a time: whoever stores waits for no more."""

_OLDEST = "SELECT number, file, size, received FROM snapshots ORDER BY received, number LIMIT ?"
_USED = "SELECT count(*), total(size) FROM snapshots"
_LEFT = "SELECT 1 FROM snapshots WHERE number >= ? AND number < ? LIMIT 1"

log = logging.getLogger(__name__)


class StoreLimits(NamedTuple):
    """What the store may take; 0 is no limit.

    `max_age` is in seconds since a snapshot was received; `max_bytes` counts the pictures;
    `reserve` is the bytes of the disk that are left free.
    """

    max_age: float = 0.0
    max_count: int = 0
    max_bytes: int = 0
    reserve: int = 0

    @classmethod
    def of(cls, settings: Snapshots) -> StoreLimits:
        return cls(
            settings.snapshot_max_age * DAY,
            settings.snapshot_max_count,
            round(settings.snapshot_max_size * MEGABYTE),
            round(settings.snapshot_disk_reserve * MEGABYTE),
        )


class Victim(NamedTuple):
    """A picture that goes."""

    number: int
    file: str
    size: int


class IndexWriter:
    """The index, open for writing, and in agreement with the pictures when it was opened.

    `next_number` is that of the next picture; `empty` names the folders that have none any more.
    The methods raise `sqlite3.Error` and `OSError`.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self._folder = folder
        self._connection = connection
        self._file = identity(folder / INDEX)
        self.next_number = 0
        self._pictures = 0
        self._bytes = 0
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
        self._pictures += len(new)
        self._bytes += sum(row.size for row in new)

    def victims(self, limits: StoreLimits, now: float) -> list[Victim]:
        """Return the next to go, the oldest first, `STEP` at the most."""
        victims: list[Victim] = []
        pictures, total = self._pictures, self._bytes
        for number, file, size, received in self._connection.execute(_OLDEST, [STEP]):
            is_old = limits.max_age and received < now - limits.max_age
            are_many = limits.max_count and pictures > limits.max_count
            are_large = limits.max_bytes and total > limits.max_bytes
            if not (is_old or are_many or are_large):
                break
            victims.append(Victim(number, file, size))
            pictures, total = pictures - 1, total - size
        return victims

    def remove(self, victims: Sequence[Victim]) -> None:
        """Drop the rows of pictures that are deleted."""
        with transaction(self._connection):
            self._connection.executemany(schema.DELETE, [[victim.number] for victim in victims])
        self._pictures -= len(victims)
        self._bytes -= sum(victim.size for victim in victims)
        self.empty |= {victim.file.partition("/")[0] for victim in victims}

    def oldest(self) -> float | None:
        """Return when the oldest was received, seconds since the epoch."""
        row = self._connection.execute(_OLDEST, [1]).fetchone()
        return row[3] if row else None

    def remove_empty(self) -> None:
        """Remove folders without pictures, except the last: its lines hold its numbers."""
        last = folder_name(max(0, self.next_number - 1))
        for name in sorted(self.empty - {last}):
            self._remove_folder(name)
            self.empty.discard(name)

    def _remove_folder(self, name: str) -> None:
        """Remove a folder that has no rows, unless it holds something that is not ours."""
        first = int(name) * PER_FOLDER
        if self._connection.execute(_LEFT, [first, first + PER_FOLDER]).fetchone():
            return
        folder = self._folder / name
        (folder / records.NAME).unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()

    def _rows(self, rest: str, values: list[Any]) -> list[StoredSnapshot]:
        return schema.select(self._connection, rest, values)

    def _reconcile(self, lines: JsonLines) -> None:
        folder, connection = self._folder, self._connection
        outcome = rebuild.reconcile(folder, connection, lines)
        number = rebuild.first_free(folder, connection, outcome.behind)
        self.next_number = rebuild.move(folder, connection, lines, outcome.strays, number)
        self._pictures, self._bytes = connection.execute(_USED).fetchone()
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
        mode = sqlite.OpenMode(any_thread=True, sole_writer=True)
        return sqlite.connect(folder / INDEX, schema.SCRIPTS, mode)
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
