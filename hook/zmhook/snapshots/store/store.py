"""The writer of the store; one process at a time."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import structs

from zmhook.errors import StoreError
from zmhook.snapshots.store import rows
from zmhook.snapshots.store.files import PictureWriter
from zmhook.snapshots.store.index_writer import MEGABYTE, IndexWriter, StoreLimits, Victim
from zmhook.snapshots.store.records import Journal, JsonLines
from zmhook.snapshots.store.rows import Batch
from zmhook.snapshots.store.schema import MAKE_ROOM, store_errors
from zmhook.storage import lock
from zmhook.storage.corruption import is_damage
from zmhook.storage.regular import discard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from zmhook.snapshots.snapshot import Amendment, Attribute, BestSnapshot, StoredSnapshot

T = TypeVar("T")

CHECK_EVERY = 60.0
"""Seconds between checks of the index's file: SQLite's memory of it may hide damage."""

log = logging.getLogger(__name__)


class Store:
    """A folder of snapshots, open for writing. Close it; several threads may use it.

    What a method did is on the disk when it returns. One that raises `StoreError` did nothing,
    and may be called again: a lost or damaged index is rebuilt first.
    """

    def __init__(self, folder: Path, limits: StoreLimits, locked: int) -> None:
        self.folder = folder
        self._limits = limits
        self._locked = locked
        self._lines = JsonLines(folder)
        self._journal = Journal(folder)
        self._mutex = threading.RLock()
        self._writer: IndexWriter | None = None
        self._checked = -CHECK_EVERY

    @classmethod
    def open(cls, folder: str | Path, limits: StoreLimits | None = None) -> Self:
        """Open a store; make it where there is none.

        A store of the earlier script is taken over: its pictures get rows, and the numbering goes
        on. Raises `StoreError`: no access, a full disk, another writer, an index of a newer zmhook.
        """
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they were given
        with store_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(folder, limits or StoreLimits(), _lock(folder))
            try:
                store._open_index()
            except BaseException:
                store.close()
                raise
        return store

    def close(self) -> None:
        """Let go of the folder. May be called twice; nothing else may be called after it."""
        with self._mutex:
            self._close_index()
            if self._locked >= 0:
                os.close(self._locked)
            self._locked = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, row: StoredSnapshot) -> Path:
        """Return where a row's picture is. It may have been deleted since the row was read."""
        return self.folder / row.file

    def add(self, snapshots: Sequence[BestSnapshot]) -> list[StoredSnapshot]:
        """Store snapshots, all or none; return their rows in the same order.

        The same picture of the same track (camera, channel, track) is stored once: its row gets
        what is new in the later message, and is returned again.
        """
        now = time.time()
        clean = [rows.clean(snapshot, now) for snapshot in snapshots]
        return self._do(lambda writer: self._add(writer, clean, now))

    def amend(self, amendments: Sequence[Amendment]) -> list[StoredSnapshot]:
        """Store what later messages say about tracks; return the rows that this changed."""
        now = time.time()
        return self._do(lambda writer: self._amend_all(writer, amendments, now))

    def remove(self, numbers: Sequence[int]) -> int:
        """Delete snapshots, as far as they are there; return how many."""
        return self._do(lambda writer: self._remove(writer, numbers))

    def describe(self, number: int, description: Mapping[str, Attribute]) -> None:
        """Add to the description of a snapshot; values under other names stay."""
        self._do(lambda writer: self._describe(writer, number, rows.attributes(description)))

    def undescribed(self, since: float, most: int) -> list[StoredSnapshot]:
        """Return the newest without a description received since then, the oldest of them first."""
        return self._do(lambda writer: writer.undescribed(since, most))

    def tidy(self, now: float) -> int:
        """Delete what is too old or too much by `now`, the oldest first; return how many.

        At most 200 go at a time, so that nobody who stores waits for long: call it again while
        it deletes.
        """
        return self._do(lambda writer: self._tidy(writer, now))

    # -- add -------------------------------------------------------------------------------------

    def _add(
        self, writer: IndexWriter, snapshots: Sequence[BestSnapshot], now: float
    ) -> list[StoredSnapshot]:
        batch = Batch(writer.next_number, writer.same)
        order = [batch.take(snapshot) for snapshot in snapshots]
        new, changed = batch.new(), batch.changed()
        self._check_room(sum(len(file.data) for file in batch.files))
        pictures = PictureWriter(self.folder, batch.files)
        try:
            pictures.fill()
            self._lines.append((*new, *changed), durable=bool(new))
            pictures.show()
            writer.put(new, changed)
        except BaseException:
            pictures.undo()
            raise
        self._note(lambda: self._journal.stored(new, now))
        return [batch.rows[number] for number in order]

    def _check_room(self, needed: int) -> None:
        if not (needed and self._limits.reserve):
            return
        disk = os.statvfs(self.folder)
        free = disk.f_bavail * disk.f_frsize
        if free - needed < self._limits.reserve:
            raise StoreError(
                f"{self.folder}: {free / MEGABYTE:.0f} MB of the disk are free, and"
                f" snapshot_disk_reserve keeps {self._limits.reserve / MEGABYTE:.0f} of them:"
                f" nothing was stored: {MAKE_ROOM}"
            )

    # -- amend, describe, tidy -------------------------------------------------------------------

    def _amend_all(
        self, writer: IndexWriter, amendments: Sequence[Amendment], now: float
    ) -> list[StoredSnapshot]:
        changed: dict[int, StoredSnapshot] = {}
        for amendment in amendments:
            changed |= {row.number: row for row in self._amend(writer, amendment, now)}
        return list(changed.values())

    def _amend(self, writer: IndexWriter, amendment: Amendment, now: float) -> list[StoredSnapshot]:
        before = writer.of_track(amendment, now)
        after = [rows.amended(row, amendment) for row in before]
        changed = [row for row, old in zip(after, before, strict=True) if row != old]
        if changed:
            self._lines.append(changed)
            writer.put([], changed)
        return changed

    def _remove(self, writer: IndexWriter, numbers: Sequence[int]) -> int:
        present = filter(None, map(writer.get, numbers))
        victims = [Victim(row.number, row.file, row.size) for row in present]
        self._delete(writer, victims)
        return len(victims)

    def _describe(
        self, writer: IndexWriter, number: int, description: dict[str, Attribute]
    ) -> None:
        row = writer.get(number)
        if row is None:
            raise StoreError(f"{self.folder}: there is no snapshot {number}, or not any more")
        row = structs.replace(row, description={**(row.description or {}), **description})
        self._lines.append([row])
        writer.put([], [row])
        self._note(lambda: self._journal.described(row, time.time()))

    def _tidy(self, writer: IndexWriter, now: float) -> int:
        if not self._checked <= now < self._checked + CHECK_EVERY:
            writer.check()
            self._checked = now
        victims = writer.victims(self._limits, now)
        if victims:
            self._delete(writer, victims)
            oldest = writer.oldest()
            self._note(lambda: self._journal.forget(now if oldest is None else oldest))
        writer.remove_empty()
        return len(victims)

    def _delete(self, writer: IndexWriter, victims: Sequence[Victim]) -> None:
        # The pictures first: on a full disk their room is needed to change the index.
        for victim in victims:
            self._delete_file(self.folder / victim.file)
        writer.remove(victims)

    @staticmethod
    def _delete_file(path: Path) -> None:
        """Delete a picture. A folder in its place stays, but does not keep the other pictures."""
        try:
            discard(path)
        except OSError as error:
            if not path.is_dir():
                raise
            log.warning("%s: it is a folder and stays: %s", path, error.strerror)

    def _note(self, write: Callable[[], None]) -> None:
        """Write to the log for people; an error there undoes nothing."""
        try:
            write()
        except OSError as error:
            log.warning("%s: the log cannot be written: %s", self.folder, error.strerror)

    # -- an index that is lost or damaged ----------------------------------------------------------

    def _do(self, work: Callable[[IndexWriter], T]) -> T:
        """Run `work` on the index; rebuild that once when it is lost, damaged or wrong."""
        with self._mutex, store_errors(self.folder):
            if self._locked < 0:
                raise StoreError(f"{self.folder}: the store is closed")
            writer = self._writer
            if writer is not None and writer.is_there():
                try:
                    writer.check_tables()
                    return work(writer)
                except FileExistsError as error:
                    log.warning(
                        "%s: a picture lies there that the index does not have: %s",
                        self.folder,
                        error,
                    )
                except sqlite3.DatabaseError as error:
                    if not is_damage(error):
                        raise
            return work(self._open_index())

    def _open_index(self) -> IndexWriter:
        self._close_index()
        self._writer = IndexWriter.open(self.folder, self._lines)
        return self._writer

    def _close_index(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(sqlite3.Error):
                writer.close()


def _lock(folder: Path) -> int:
    """Lock the folder against another writer; return the descriptor that holds the lock.

    Raises `StoreError` when another process has it, and `OSError`.
    """
    descriptor = lock.open_folder(folder)
    try:
        if lock.try_lock(descriptor):
            return descriptor
    except OSError as error:
        # Some network file systems cannot lock a folder; the collector is started once anyway.
        log.warning("%s cannot be locked against a second collector: %s", folder, error.strerror)
        return descriptor
    os.close(descriptor)
    raise StoreError(
        f"{folder}: another collector (zmhook snapshots run) writes there: stop it, or set"
        " another snapshot_path"
    )
