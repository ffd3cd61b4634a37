"""Gives stored snapshots to a handler, whatever that does with them."""

from __future__ import annotations

import logging
import time
from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Protocol

from zmhook.errors import Postponed, ZmhookError
from zmhook.image.header import MAX_BYTES
from zmhook.printable import one_line
from zmhook.snapshots.handlers.base import names
from zmhook.snapshots.handlers.said import said
from zmhook.snapshots.handlers.worker import Hung, Worker
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from zmhook.detection import Detection
    from zmhook.settings import Settings
    from zmhook.snapshots.counts import Counts
    from zmhook.snapshots.handlers.base import SnapshotHandler
    from zmhook.snapshots.snapshot import Attribute, StoredSnapshot

log = logging.getLogger(__name__)

MOST_WAITING = 500
HANGS = 3
"""So many in a row, and the handler is left alone for a while."""
MOST_LEFT = 5
"""Threads that hang, in all: with so many, no other is begun."""
FIRST_REST, LONGEST_REST = 300.0, 3600.0
CLOSE_SECONDS = 2.0
LONGEST_PAUSE = 3600.0
"""Seconds after which a handler is asked again, whatever it said."""


class Keeper(Protocol):
    """Where pictures are, and what was found in them goes: `Store`."""

    def path(self, row: StoredSnapshot) -> Path: ...

    def describe(self, number: int, description: Mapping[str, Attribute]) -> None: ...


class Runner:
    """One handler: a queue of rows, the oldest of which is dropped when it is full, and a thread.

    `made_by` is the handler's class, of which each of the settings that `settings_of` returns for a
    monitor has an object. Files are read when it is their turn.
    """

    def __init__(
        self,
        name: str,
        made_by: Callable[[Settings], SnapshotHandler],
        settings_of: Callable[[int | None], Settings],
        store: Keeper,
        counts: Counts,
    ) -> None:
        self._name = name
        self._made_by = made_by
        self._settings_of = settings_of
        self._store = store
        self._counts = counts
        self._rows: deque[StoredSnapshot] = deque()
        self._changed = Condition()
        self._ended = False
        self._not_before = 0.0
        self._worker: Worker | None = None
        self._left: list[Worker] = []
        self._hangs = 0
        self._rest = FIRST_REST
        self._rests_until = 0.0
        self._told = ""
        self._thread = Thread(target=self._run, name=f"runner-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def offer(self, rows: Sequence[StoredSnapshot]) -> None:
        """Put rows of monitors that have this handler into the queue; never waits."""
        own = [row for row in rows if self._name in names(self._settings(row).snapshots)]
        with self._changed:
            self._rows.extend(own)
            dropped = max(0, len(self._rows) - MOST_WAITING)
            for _ in range(dropped):
                self._rows.popleft()
            self._changed.notify_all()
        self._dropped(dropped)

    def end(self, timeout: float) -> None:
        """End after the snapshot that it is at, within the time; the queue is given up."""
        with self._changed:
            self._ended = True
            self._dropped(len(self._rows))
            self._rows.clear()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while (row := self._next()) is not None:
            picture = None if self._rests() else self._picture(row)
            if picture is None:
                self._dropped(1)
            else:
                self._handle(row, picture)
        worker, self._worker = self._worker, None
        if worker is not None:
            try:
                worker.close(CLOSE_SECONDS)
            except Exception as error:  # noqa: BLE001 - a stranger's code
                log.debug("handler %s: cannot be closed: %r", self._name, error)

    def _next(self) -> StoredSnapshot | None:
        with self._changed:
            while not self._ended:
                pause = self._not_before - time.monotonic()
                if self._rows and pause <= 0:
                    return self._rows.popleft()
                self._changed.wait(pause if self._rows else None)
            return None

    def _picture(self, row: StoredSnapshot) -> bytes | None:
        """Return the file; None when it was deleted, being too old or too much."""
        try:
            return read(self._store.path(row), MAX_BYTES)
        except OSError as error:
            log.debug("handler %s: %s: %s", self._name, row.file, error)
            return None

    def _handle(self, row: StoredSnapshot, picture: bytes) -> None:
        try:
            found = self._ask(row, picture)
            if found:
                self._store.describe(row.number, said(self._name, found))
        except Hung:
            self._hung(row)
            return
        except Postponed as error:
            self._postpone(row, error)
        except Exception as error:  # noqa: BLE001 - a stranger's code
            self._failed(row, error)
        else:
            self._counts.handler(self._name, "done")
            self._told = ""
            self._rest = FIRST_REST
        self._hangs = 0

    def _ask(self, row: StoredSnapshot, picture: bytes) -> list[Detection] | None:
        if self._worker is None:
            self._worker = Worker(self._name, self._made_by)
        return self._worker.call(self._settings(row), row, picture)

    def _settings(self, row: StoredSnapshot) -> Settings:
        return self._settings_of(row.monitor_id)

    def _postpone(self, row: StoredSnapshot, error: Postponed) -> None:
        """Have the row come first again, and nothing before its time; the queue's end is there."""
        pause = min(max(error.until - time.time(), 0.0), LONGEST_PAUSE)
        with self._changed:
            self._not_before = time.monotonic() + pause
            fits = not self._ended and len(self._rows) < MOST_WAITING
            if fits:
                self._rows.appendleft(row)
        if not fits:
            self._dropped(1)
        text = _text(error)
        if text != self._told:
            log.info("handler %s: %s waits: %s", self._name, row.file, text)
        self._told = text

    def _failed(self, row: StoredSnapshot, error: Exception) -> None:
        self._counts.handler(self._name, "failed")
        text = _text(error)
        if text != self._told:
            log.warning("handler %s: %s: %s", self._name, row.file, text)
            log.debug("handler %s", self._name, exc_info=error)
        self._told = text

    def _hung(self, row: StoredSnapshot) -> None:
        """Leave the thread to itself, and have another one when the next snapshot comes."""
        self._counts.handler(self._name, "hung")
        log.warning(
            "handler %s: %s: gave up after %g s (snapshot_handler_timeout)",
            self._name,
            row.file,
            self._settings(row).snapshots.snapshot_handler_timeout,
        )
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.leave()
            self._left.append(worker)
        self._hangs += 1
        if self._hangs >= HANGS or self._alive() >= MOST_LEFT:
            self._stop_for_a_while()

    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until or self._alive() >= MOST_LEFT

    def _alive(self) -> int:
        """Return how many of the threads that were left are still there."""
        self._left = [one for one in self._left if one.is_alive()]
        return len(self._left)

    def _stop_for_a_while(self) -> None:
        log.error(
            "handler %s hung %d times in a row, %d of its calls still hang: it is switched off for"
            " %.0f minutes",
            self._name,
            self._hangs,
            len(self._left),
            self._rest / 60,
        )
        self._rests_until = time.monotonic() + self._rest
        self._rest = min(self._rest * 2, LONGEST_REST)

    def _dropped(self, number: int) -> None:
        if number:
            self._counts.handler(self._name, "dropped", number)


def _text(error: Exception) -> str:
    """Return one line; our own errors are made for people, and what other ones say may help."""
    text = one_line(error)
    return text if isinstance(error, ZmhookError) else f"{type(error).__name__}: {text}"
