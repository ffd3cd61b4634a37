"""Store what messages bring, and only then have them acknowledged."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from zmhook.errors import PayloadError, StoreError
from zmhook.net.retry import Backoff
from zmhook.snapshots import filters
from zmhook.snapshots.filters import PendingClass
from zmhook.snapshots.hourly import HourlyLog
from zmhook.snapshots.snapshot import Amendment, BestSnapshot, StoredSnapshot
from zmhook.snapshots.status import OTHERS, Counts, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.settings import Mqtt, Snapshots
    from zmhook.snapshots.interpreter import Interpreter
    from zmhook.snapshots.message_queue import MessageQueue, QueuedMessage
    from zmhook.snapshots.store.store import Store

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
SETTLE_SECONDS = 1.0
"""Seconds between checks, with nothing else to do, of who has waited for a class long enough."""

_SETTING = re.compile(r"snapshot_\w+")
_FAILURES = (StoreError, OSError, sqlite3.Error)
_FAULT = "internal error"

News = BestSnapshot | Amendment
T = TypeVar("T")


class _ReadMessage(NamedTuple):
    """What a message brought; `otherwise` is its outcome if nothing of it is stored."""

    topic: str
    snapshots: list[BestSnapshot]
    amendments: list[Amendment]
    otherwise: tuple[Outcome, str] = ("no_picture", "")


class _Abandoned(Exception):
    """The collector ends while the store fails."""


class Ingest:
    """Takes messages, stores what they bring and has them acknowledged; `run` is for one thread.

    While the store fails, it waits: nothing is acknowledged, and the broker keeps what it has.
    `settings_of` is by monitor. `stored` is called with what is new, after its acknowledgement;
    with a snapshot that came without its class, once that is known or has been waited for.
    """

    def __init__(
        self,
        queue: MessageQueue,
        reader: Interpreter,
        store: Store,
        counts: Counts,
        *,
        settings_of: Callable[[int | None], Snapshots],
        mqtt: Mqtt,
        ack: Callable[[Sequence[QueuedMessage]], None],
        stored: Callable[[Sequence[StoredSnapshot]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._reader = reader
        self._store = store
        self._counts = counts
        self._settings_of = settings_of
        self._mqtt = mqtt
        self._ack = ack
        self._stored = stored
        self._pending_class = PendingClass(settings_of)
        self._wait = Backoff(FIRST_WAIT, LONGEST_WAIT)
        self._giving_up = Event()
        self._hourly_log = HourlyLog(clock)
        self._topic = ""
        self.in_hand = 0
        """Messages that are being stored, neither queued nor counted yet."""
        self.problem = ""
        """Why nothing can be stored; empty when all is well."""

    def run(self) -> None:
        """Work until the queue is closed and empty, or `give_up` was called."""
        while not self._queue.is_over:
            pause = SETTLE_SECONDS if len(self._pending_class) else None
            if not self._store_all(self._queue.take(MOST_AT_ONCE, pause)):
                return

    def give_up(self) -> None:
        """End even though not all is stored: what is not acknowledged comes again."""
        self._giving_up.set()

    def part_failed(self, error: PayloadError) -> None:
        """Count a part of a message that cannot be read, while others of it can."""
        self._counts.part(error.kind)
        self._log_hourly(self._topic, error.kind, str(error))

    def _store_all(self, messages: Sequence[QueuedMessage]) -> bool:
        """Store what the messages bring; false when it was given up."""
        self._count_refused()
        self.in_hand = len(messages)
        taken = [self._read(message) for message in messages]
        snapshots = [snapshot for read in taken for snapshot in read.snapshots]
        amendments = [amendment for read in taken for amendment in read.amendments]
        try:
            rows = self._rows(snapshots)
            changed = self._amend(amendments)
            self._ack(messages)
            new = self._new(rows, snapshots)
            self._account(taken, rows, {row.number for row in new})
            self._pass_on(new, changed)
        except _Abandoned:
            return False
        self.in_hand = 0
        return True

    def _account(
        self, taken: list[_ReadMessage], rows: list[StoredSnapshot | None], new: set[int]
    ) -> None:
        """Count each message by its outcome: once, and none is left out."""
        following = iter(rows)
        for read in taken:
            own = list(islice(following, len(read.snapshots)))
            stored = [row.number for row in own if row is not None]
            outcome, reason = read.otherwise
            if not new.isdisjoint(stored):
                outcome, reason = "stored", ""
                new.difference_update(stored)  # the same picture twice is stored once
            elif stored:
                outcome, reason = "repeated", ""
            elif own:
                outcome, reason = "unusable", _FAULT
            self._counts.message(read.topic, outcome, reason)

    # -- reading -----------------------------------------------------------------------------------

    def _read(self, message: QueuedMessage) -> _ReadMessage:
        """Return what a message brings, and its outcome unless something of it is stored."""
        self._topic = message.topic
        read = _ReadMessage(message.topic, [], [])
        try:
            news = self._news(message)
        except PayloadError as error:
            self._log_hourly(message.topic, error.kind, str(error))
            return read._replace(otherwise=("unusable", error.kind))
        except Exception:
            # A fault of ours must not keep every other message from being stored.
            if self._hourly_log.is_due((message.topic, _FAULT)):
                log.exception("%s: a message could not be read", message.topic)
            return read._replace(otherwise=("unusable", _FAULT))
        return self._sorted(read, news, retained=message.retained)

    def _sorted(self, read: _ReadMessage, news: list[News], *, retained: bool) -> _ReadMessage:
        otherwise: tuple[Outcome, str] = ("no_picture", "")
        if retained and not news:
            otherwise = ("filtered", "kept by the broker, of any age")
        for item in news:
            if isinstance(item, Amendment):
                read.amendments.append(item)
            elif reason := self._filtered_by(item):
                otherwise = ("filtered", reason)
            else:
                read.snapshots.append(item)
        return read._replace(otherwise=otherwise)

    def _log_hourly(self, topic: str, kind: str, line: str) -> None:
        if self._hourly_log.is_due((topic, kind)):
            log.warning("%s (others like it are only counted, for an hour)", line)

    def _news(self, message: QueuedMessage) -> list[News]:
        if message.size > len(message.payload):
            raise PayloadError(
                "too large",
                f"{message.topic}: {message.size} bytes are more than [mqtt] mqtt_max_message "
                f"({self._mqtt.mqtt_max_message:g} MB) allows",
            )
        return self._reader.read(
            message.topic,
            message.payload,
            retained=message.retained,
            received=message.received,
        )

    def _filtered_by(self, snapshot: BestSnapshot) -> str:
        """Return which setting leaves a snapshot out; "" for none."""
        reason = filters.rejection(snapshot, self._settings_of(snapshot.monitor_id))
        return "" if reason is None else self._not_kept(snapshot, reason)

    def _not_kept(self, snapshot: BestSnapshot | StoredSnapshot, reason: str) -> str:
        match = _SETTING.search(reason)
        setting = match[0] if match else "part of something else"
        self._counts.filtered(setting)
        log.debug("%s: track %s is not kept: %s", snapshot.camera, snapshot.track_id, reason)
        return setting

    def _count_refused(self) -> None:
        refused = self._queue.refused()
        for topic, number in refused.items():
            self._counts.message(topic or OTHERS, "dropped", number=number)
        if refused:
            log.warning(
                "%d messages with QoS 0 were dropped: more than mqtt_queue waited. Have cameras"
                " publish with QoS 1: then the broker keeps them",
                sum(refused.values()),
            )

    # -- storing -----------------------------------------------------------------------------------

    def _rows(self, snapshots: list[BestSnapshot]) -> list[StoredSnapshot | None]:
        """Store; return a row for each, None for one that was of no use."""
        if not snapshots:
            return []
        try:
            return list(self._retry(lambda: self._store.add(snapshots)))
        except _Abandoned:
            raise
        except Exception:
            log.debug("storing %d snapshots failed", len(snapshots), exc_info=True)
        if len(snapshots) > 1:
            return [row for snapshot in snapshots for row in self._rows([snapshot])]
        if self._hourly_log.is_due((snapshots[0].topic, _FAULT)):
            log.error(
                "%s: a best snapshot could not be stored, through a fault of zmhook",
                snapshots[0].camera,
            )
        return [None]

    def _amend(self, amendments: list[Amendment]) -> list[StoredSnapshot]:
        if not amendments:
            return []
        changed = self._retry(lambda: self._store.amend(amendments))
        self._counts.add("amended", len(changed))
        return changed

    def _retry(self, work: Callable[[], T]) -> T:
        """Retry until the store works. Raises `_Abandoned`."""
        while True:
            try:
                result = work()
            except _FAILURES as error:
                self._on_store_error(error)
            else:
                self._on_store_recovery()
                return result
            if self._giving_up.wait(self._wait.next()):
                raise _Abandoned

    def _on_store_error(self, error: Exception) -> None:
        if not self.problem:
            log.error("%s; messages wait until it works, and the broker keeps the rest", error)
        self.problem = str(error)

    def _on_store_recovery(self) -> None:
        if self.problem:
            log.warning("best snapshots are stored again")
        self.problem = ""
        self._wait.reset()

    def _new(
        self, rows: Sequence[StoredSnapshot | None], snapshots: Sequence[BestSnapshot]
    ) -> list[StoredSnapshot]:
        """Return, and count, the snapshots stored for the first time."""
        new: dict[int, StoredSnapshot] = {}
        repeated = 0
        for row, snapshot in zip(rows, snapshots, strict=True):
            # A picture that came again has the row, and its time, of when it came first.
            if row is not None and row.received == snapshot.received and row.number not in new:
                new[row.number] = row
            elif row is not None:
                repeated += 1
        self._counts.add("repeated", repeated)
        self._counts.stored(new.values())
        return list(new.values())

    def _pass_on(self, new: Sequence[StoredSnapshot], changed: Sequence[StoredSnapshot]) -> None:
        """Pass on what is new and has its class, and remove what its class rejects."""
        early = [row for row in new if self._is_early(row)]
        self._pending_class.put(early)
        settled = self._pending_class.settle(changed)
        ready = [*(row for row in new if row not in early), *settled.kept]
        if ready:
            self._stored(ready)
        for row, reason in settled.rejected:
            self._not_kept(row, reason)
        if settled.rejected:
            numbers = [row.number for row, _ in settled.rejected]
            self._retry(lambda: self._store.remove(numbers))

    def _is_early(self, row: StoredSnapshot) -> bool:
        return filters.is_early(row, self._settings_of(row.monitor_id))
