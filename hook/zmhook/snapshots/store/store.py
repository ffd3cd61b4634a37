"""The store: what the one process that writes does."""

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
from zmhook.snapshots.store import rows, tracks
from zmhook.snapshots.store.batch import Batch
from zmhook.snapshots.store.files import Writing
from zmhook.snapshots.store.journal import Journal
from zmhook.snapshots.store.ledger import Ledger
from zmhook.snapshots.store.limits import MEGABYTE, Limits
from zmhook.snapshots.store.lines import Lines
from zmhook.snapshots.store.lock import lock
from zmhook.snapshots.store.retention import Victim
from zmhook.snapshots.store.trouble import MAKE_ROOM, is_damage, told
from zmhook.storage.regular import discard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from zmhook.snapshots.snapshot import Amendment, Attribute, Row, Snapshot

T = TypeVar("T")

CHECK_EVERY = 60.0
"""Seconds between looks at the index's file: what SQLite has in memory hides that it is damaged."""

log = logging.getLogger(__name__)


class Store:
    """A folder of snapshots, open for writing. Close it; several threads may use it.

    What a method did is on the disk when it returns. One that raises `StoreError` did nothing,
    and may be called again: an index that is lost or damaged is made again first.
    """

    def __init__(self, folder: Path, limits: Limits, locked: int) -> None:
        self.folder = folder
        self._limits = limits
        self._locked = locked
        self._lines = Lines(folder)
        self._journal = Journal(folder)
        self._mutex = threading.RLock()
        self._ledger: Ledger | None = None
        self._checked = -CHECK_EVERY

    @classmethod
    def open(cls, folder: str | Path, limits: Limits | None = None) -> Self:
        """Open a store; make it where there is none.

        A store of the earlier script is taken over: its pictures get rows, and the numbering goes
        on. Raises `StoreError`: no access, a full disk, another writer, an index of a newer zmhook.
        """
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they were given
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(folder, limits or Limits(), lock(folder))
            try:
                store._open_ledger()
            except BaseException:
                store.close()
                raise
        return store

    def close(self) -> None:
        """Let go of the folder. May be called twice; nothing else may be called after it."""
        with self._mutex:
            self._close_ledger()
            if self._locked >= 0:
                os.close(self._locked)
            self._locked = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, row: Row) -> Path:
        """Return where a row's picture is. It may have been deleted since the row was read."""
        return self.folder / row.file

    def add(self, snapshots: Sequence[Snapshot]) -> list[Row]:
        """Store snapshots, all or none; return their rows in the same order.

        The same picture of the same track (camera, channel, track) is stored once: its row gets
        what is new in the later message, and is returned again.
        """
        now = time.time()
        clean = [rows.clean(snapshot, now) for snapshot in snapshots]
        return self._do(lambda ledger: self._add(ledger, clean, now))

    def amend(self, amendments: Sequence[Amendment]) -> list[Row]:
        """Store what later messages say about tracks; return the rows that that changed, as now."""
        now = time.time()
        return self._do(lambda ledger: self._amend_all(ledger, amendments, now))

    def remove(self, numbers: Sequence[int]) -> int:
        """Delete snapshots, as far as they are there; return how many."""
        return self._do(lambda ledger: self._remove(ledger, numbers))

    def describe(self, number: int, description: Mapping[str, Attribute]) -> None:
        """Add to the description of a snapshot; what was said before under another name stays."""
        self._do(lambda ledger: self._describe(ledger, number, rows.attributes(description)))

    def undescribed(self, since: float, most: int) -> list[Row]:
        """Return the newest without a description received since then, the oldest of them first."""
        return self._do(lambda ledger: ledger.undescribed(since, most))

    def tidy(self, now: float) -> int:
        """Delete what is too old or too much by `now`, the oldest first; return how many.

        At most 200 go at a time, so that nobody who stores waits for long: call it again while
        it deletes.
        """
        return self._do(lambda ledger: self._tidy(ledger, now))

    # -- add -------------------------------------------------------------------------------------

    def _add(self, ledger: Ledger, snapshots: Sequence[Snapshot], now: float) -> list[Row]:
        batch = Batch(ledger)
        order = [batch.take(snapshot) for snapshot in snapshots]
        new, changed = batch.new(), batch.changed()
        self._check_room(sum(len(file.data) for file in batch.files))
        writing = Writing(self.folder, batch.files)
        try:
            writing.fill()
            self._lines.append((*new, *changed), durable=bool(new))
            writing.show()
            ledger.put(new, changed)
        except BaseException:
            writing.undo()
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

    def _amend_all(self, ledger: Ledger, amendments: Sequence[Amendment], now: float) -> list[Row]:
        changed: dict[int, Row] = {}
        for amendment in amendments:
            changed |= {row.number: row for row in self._amend(ledger, amendment, now)}
        return list(changed.values())

    def _amend(self, ledger: Ledger, amendment: Amendment, now: float) -> list[Row]:
        found = tracks.rows_of(ledger, amendment, now)
        amended = [rows.amended(row, amendment) for row in found]
        changed = [row for row, before in zip(amended, found, strict=True) if row != before]
        if changed:
            self._lines.append(changed)
            ledger.put([], changed)
        return changed

    def _remove(self, ledger: Ledger, numbers: Sequence[int]) -> int:
        found = filter(None, map(ledger.get, numbers))
        gone = [Victim(row.number, row.file, row.size) for row in found]
        self._delete(ledger, gone)
        return len(gone)

    def _describe(self, ledger: Ledger, number: int, description: dict[str, Attribute]) -> None:
        row = ledger.get(number)
        if row is None:
            raise StoreError(f"{self.folder}: there is no snapshot {number}, or no more")
        row = structs.replace(row, description={**(row.description or {}), **description})
        self._lines.append([row])
        ledger.put([], [row])
        self._note(lambda: self._journal.described(row, time.time()))

    def _tidy(self, ledger: Ledger, now: float) -> int:
        if not self._checked <= now < self._checked + CHECK_EVERY:
            ledger.check()
            self._checked = now
        gone = ledger.victims(self._limits, now)
        if gone:
            self._delete(ledger, gone)
            oldest = ledger.oldest()
            self._note(lambda: self._journal.forget(now if oldest is None else oldest))
        ledger.remove_empty()
        return len(gone)

    def _delete(self, ledger: Ledger, gone: Sequence[Victim]) -> None:
        # The pictures first: on a full disk their room is needed to change the index.
        for victim in gone:
            self._delete_file(self.folder / victim.file)
        ledger.remove(gone)

    @staticmethod
    def _delete_file(path: Path) -> None:
        """Delete a picture. A folder in its place stays: it must not keep all others here."""
        try:
            discard(path)
        except OSError as error:
            if not path.is_dir():
                raise
            log.warning("%s: it is a folder and stays: %s", path, error.strerror)

    def _note(self, write: Callable[[], None]) -> None:
        """Write to the log for people: what was stored is stored, whatever becomes of that."""
        try:
            write()
        except OSError as error:
            log.warning("%s: the log cannot be written: %s", self.folder, error.strerror)

    # -- an index that is lost or damaged ----------------------------------------------------------

    def _do(self, work: Callable[[Ledger], T]) -> T:
        """Do it with an index that is right; make that again once when it turns out not to be."""
        with self._mutex, told(self.folder):
            if self._locked < 0:
                raise StoreError(f"{self.folder}: the store is closed")
            ledger = self._ledger
            if ledger is not None and ledger.is_there():
                try:
                    ledger.check_tables()
                    return work(ledger)
                except FileExistsError as error:
                    log.warning(
                        "%s: there is a picture that nobody told of: %s", self.folder, error
                    )
                except sqlite3.DatabaseError as error:
                    if not is_damage(error):
                        raise
            return work(self._open_ledger())

    def _open_ledger(self) -> Ledger:
        self._close_ledger()
        self._ledger = Ledger.open(self.folder, self._lines)
        return self._ledger

    def _close_ledger(self) -> None:
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            with suppress(sqlite3.Error):
                ledger.close()
