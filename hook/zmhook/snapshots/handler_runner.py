"""Run a handler on stored snapshots, though it may raise or hang."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import Postponed, ZmhookError
from zmhook.image.header import MAX_BYTES
from zmhook.printable import one_line
from zmhook.snapshots.handler import SnapshotHandler, description_of, names
from zmhook.storage.regular import read

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings
    from zmhook.snapshots.snapshot import StoredSnapshot
    from zmhook.snapshots.status import Counts
    from zmhook.snapshots.store.store import Store

    Detections = list[Detection] | None

log = logging.getLogger(__name__)

MOST_WAITING = 500
MOST_TIMEOUTS = 3
"""Consecutive time-outs after which the handler is switched off for a while."""
MOST_ABANDONED = 5
"""Threads that hang, in all: with so many, no other is started."""
FIRST_REST, LONGEST_REST = 300.0, 3600.0
CLOSE_SECONDS = 2.0
LONGEST_PAUSE = 3600.0
"""Seconds after which a postponed snapshot is tried again at the latest."""


class HandlerTimeout(Exception):
    """A call that did not return in time."""


class _Call(NamedTuple):
    work: Callable[[], Any]
    result: Future[Any]


class HandlerThread:
    """A thread that can be abandoned when a handler hangs in it; one call at a time.

    It makes a handler for each settings at its first call with them. An executor of
    `concurrent.futures` would not do: at its end Python waits for the threads of each.
    """

    def __init__(self, name: str, handler_class: Callable[[Settings], SnapshotHandler]) -> None:
        self._handler_class = handler_class
        self._handlers: dict[int, tuple[Settings, SnapshotHandler]] = {}
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=f"handler-{name}", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def call(self, settings: Settings, snapshot: StoredSnapshot, picture: bytes) -> Detections:
        """Return the handler's detections. Raises what it raises, and `HandlerTimeout`.

        After a `HandlerTimeout` nothing else may be called but `abandon`.
        """
        timeout = settings.snapshots.snapshot_handler_timeout
        detections: Detections = self._submit(
            lambda: self._handler(settings).on_snapshot(snapshot, picture), timeout
        )
        return detections

    def close(self, timeout: float) -> None:
        """Close the handlers, and end. Raises what one raises, and `HandlerTimeout`."""
        try:
            for _, handler in self._handlers.values():
                self._submit(handler.close, timeout)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End the thread when its call returns, if it ever does."""
        self._calls.put(None)

    def _handler(self, settings: Settings) -> SnapshotHandler:
        if id(settings) not in self._handlers:
            self._handlers[id(settings)] = settings, self._handler_class(settings)
        return self._handlers[id(settings)][1]

    def _submit(self, work: Callable[[], Any], timeout: float) -> Any:
        result: Future[Any] = Future()
        self._calls.put(_Call(work, result))
        done, _ = wait([result], timeout)
        if not done:
            raise HandlerTimeout
        return result.result()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                call.result.set_result(call.work())
            except Exception as error:  # noqa: BLE001 - a stranger's code
                call.result.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - a handler's exit() ends nothing here
                call.result.set_exception(RuntimeError(f"it raised {type(error).__name__}"))


class HandlerRunner:
    """One handler: a queue of rows, the oldest of which is dropped when it is full, and a thread.

    Each of the settings that `settings_of` returns for a monitor has an object of `handler_class`.
    Files are read when it is their turn.
    """

    def __init__(
        self,
        name: str,
        handler_class: Callable[[Settings], SnapshotHandler],
        settings_of: Callable[[int | None], Settings],
        store: Store,
        counts: Counts,
    ) -> None:
        self._name = name
        self._handler_class = handler_class
        self._settings_of = settings_of
        self._store = store
        self._counts = counts
        self._rows: deque[StoredSnapshot] = deque()
        self._changed = Condition()
        self._ended = False
        self._not_before = 0.0
        self._handler_thread: HandlerThread | None = None
        self._abandoned: list[HandlerThread] = []
        self._timeouts = 0
        self._rest = FIRST_REST
        self._rests_until = 0.0
        self._logged = ""
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
        self._count_dropped(dropped)

    def end(self, timeout: float) -> None:
        """End after the current snapshot, within the time; the queue is dropped."""
        with self._changed:
            self._ended = True
            self._count_dropped(len(self._rows))
            self._rows.clear()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        while (row := self._next()) is not None:
            picture = None if self._is_resting() else self._picture(row)
            if picture is None:
                self._count_dropped(1)
            else:
                self._handle(row, picture)
        handler_thread, self._handler_thread = self._handler_thread, None
        if handler_thread is not None:
            try:
                handler_thread.close(CLOSE_SECONDS)
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
            detections = self._call(row, picture)
            if detections:
                self._store.describe(row.number, description_of(self._name, detections))
        except HandlerTimeout:
            self._on_timeout(row)
            return
        except Postponed as error:
            self._postpone(row, error)
        except Exception as error:  # noqa: BLE001 - a stranger's code
            self._on_error(row, error)
        else:
            self._counts.handler(self._name, "done")
            self._logged = ""
            self._rest = FIRST_REST
        self._timeouts = 0

    def _call(self, row: StoredSnapshot, picture: bytes) -> list[Detection] | None:
        if self._handler_thread is None:
            self._handler_thread = HandlerThread(self._name, self._handler_class)
        return self._handler_thread.call(self._settings(row), row, picture)

    def _settings(self, row: StoredSnapshot) -> Settings:
        return self._settings_of(row.monitor_id)

    def _postpone(self, row: StoredSnapshot, error: Postponed) -> None:
        """Put the row first again, with nothing before its time; a full queue drops it."""
        pause = min(max(error.until - time.time(), 0.0), LONGEST_PAUSE)
        with self._changed:
            self._not_before = time.monotonic() + pause
            fits = not self._ended and len(self._rows) < MOST_WAITING
            if fits:
                self._rows.appendleft(row)
        if not fits:
            self._count_dropped(1)
        text = _message(error)
        if text != self._logged:
            log.info("handler %s: %s waits: %s", self._name, row.file, text)
        self._logged = text

    def _on_error(self, row: StoredSnapshot, error: Exception) -> None:
        self._counts.handler(self._name, "failed")
        text = _message(error)
        if text != self._logged:
            log.warning("handler %s: %s: %s", self._name, row.file, text)
            log.debug("handler %s", self._name, exc_info=error)
        self._logged = text

    def _on_timeout(self, row: StoredSnapshot) -> None:
        """Abandon the thread; the next snapshot gets another one."""
        self._counts.handler(self._name, "hung")
        log.warning(
            "handler %s: %s: gave up after %g s (snapshot_handler_timeout)",
            self._name,
            row.file,
            self._settings(row).snapshots.snapshot_handler_timeout,
        )
        handler_thread, self._handler_thread = self._handler_thread, None
        if handler_thread is not None:
            handler_thread.abandon()
            self._abandoned.append(handler_thread)
        self._timeouts += 1
        if self._timeouts >= MOST_TIMEOUTS or self._alive() >= MOST_ABANDONED:
            self._rest_for_a_while()

    def _is_resting(self) -> bool:
        return time.monotonic() < self._rests_until or self._alive() >= MOST_ABANDONED

    def _alive(self) -> int:
        """Return how many abandoned threads still run."""
        self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
        return len(self._abandoned)

    def _rest_for_a_while(self) -> None:
        log.error(
            "handler %s timed out %d times in a row, %d of its calls still run: it is switched off"
            " for %.0f minutes",
            self._name,
            self._timeouts,
            len(self._abandoned),
            self._rest / 60,
        )
        self._rests_until = time.monotonic() + self._rest
        self._rest = min(self._rest * 2, LONGEST_REST)

    def _count_dropped(self, number: int) -> None:
        if number:
            self._counts.handler(self._name, "dropped", number)


def _message(error: Exception) -> str:
    """Return one line; other programs' errors get their type, ours are made for people."""
    text = one_line(error)
    return text if isinstance(error, ZmhookError) else f"{type(error).__name__}: {text}"
