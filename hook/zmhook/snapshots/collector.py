"""The collector: store the best snapshots that cameras send, and pass them to the handlers."""

from __future__ import annotations

import logging
import os
import signal
import time
from itertools import chain
from threading import Thread
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.errors import PayloadError, SnapshotError, StoreError
from zmhook.net import mqtt as client
from zmhook.snapshots import handler, status
from zmhook.snapshots.broker import Broker
from zmhook.snapshots.handler_runner import MOST_WAITING, HandlerRunner
from zmhook.snapshots.ingest import Ingest
from zmhook.snapshots.interpreter import Interpreter, MessageLimits
from zmhook.snapshots.message_queue import MessageQueue
from zmhook.snapshots.store.index_writer import DAY, StoreLimits
from zmhook.snapshots.store.store import Store
from zmhook.snapshots.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.process.startup import Signals
    from zmhook.settings import Config
    from zmhook.snapshots.snapshot import StoredSnapshot

log = logging.getLogger(__name__)

LEAST_MEMORY = 256_000_000
"""Bytes of messages that may be queued in memory, or two of the largest, if that is more."""
STATUS_SECONDS, TIDY_SECONDS, COUNTS_SECONDS = 2.0, 60.0, 3600.0
STATUS_AGE = 60.0
"""Seconds after which the status is written even if nothing has changed."""
MOST_ROUNDS = 50
"""Times 200 pictures that are deleted before signals are handled again."""
STORE_SECONDS, DISCONNECT_SECONDS, HANDLER_SECONDS = 10.0, 5.0, 3.0
"""How long the end may take: to store what is in memory, to disconnect, for the handlers."""

STOP = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*STOP, signal.SIGHUP, signal.SIGUSR1)


class Collector:
    """Raises `SnapshotError` (`StoreError`) and `MissingPart` when it cannot begin."""

    def __init__(self, config: Config) -> None:
        client.require()
        settings = config.general
        names = (handler.names(own.snapshots) for own in (settings, *config.monitors.values()))
        classes = {name: handler.find(name) for name in dict.fromkeys(chain.from_iterable(names))}
        topics = Topics.from_settings(settings)
        mqtt = settings.mqtt
        self._mqtt = mqtt
        self._counts = status.Counts()
        self._topics = tuple(topics.filters())
        self._store = Store.open(
            settings.snapshots.snapshot_path, StoreLimits.of(settings.snapshots)
        )
        self._runners = [
            HandlerRunner(name, handler_class, config.for_monitor, self._store, self._counts)
            for name, handler_class in classes.items()
        ]
        self._catching_up = [
            runner
            for runner, handler_class in zip(self._runners, classes.values(), strict=True)
            if handler_class.catches_up
        ]
        memory = max(LEAST_MEMORY, round(2e6 * mqtt.mqtt_max_message))
        self._queue = MessageQueue(mqtt.mqtt_queue, memory)
        before = status.read(self._store.folder)
        self._broker = Broker(
            mqtt, self._topics, self._queue, former=before.topics if before else ()
        )
        self._ingest = Ingest(
            self._queue,
            Interpreter(topics, MessageLimits.of(settings), self._part_failed),
            self._store,
            self._counts,
            settings_of=lambda monitor: config.for_monitor(monitor).snapshots,
            mqtt=mqtt,
            ack=self._broker.ack,
            stored=self._offer,
        )
        self._thread = Thread(target=self._ingest.run, name="ingest", daemon=True)
        self._due = {"status": 0.0, "tidy": 0.0, "counts": time.monotonic() + COUNTS_SECONDS}
        self._tidy_problem = ""
        self._last_status: status.CollectorStatus | None = None

    def close(self) -> None:
        """Release the store, where `run` is not called; may be called again."""
        self._store.close()

    def run(self, signals: Signals) -> None:
        """Collect until a signal says stop. Raises `SnapshotError` when it cannot go on."""
        self._catch_up()
        for runner in self._runners:
            runner.start()
        self._thread.start()
        self._broker.start()
        log.info("best snapshots are stored in %s", self._store.folder)
        try:
            number = None
            while number not in STOP:
                self._handle_signal(number)
                self._check_threads()
                self._run_due_tasks()
                number = signals.wait(1.0)
        finally:
            self._stop()

    def _catch_up(self) -> None:
        """Offer what was stored before and has no description."""
        if self._catching_up:
            rows = self._store.undescribed(time.time() - DAY, MOST_WAITING)
            for runner in self._catching_up:
                runner.offer(rows)

    def _handle_signal(self, number: int | None) -> None:
        if number == signal.SIGUSR1:
            log.info("%s", status.line(self._counts.totals()))
        elif number == signal.SIGHUP:
            log.warning(
                "the configuration is read at the start: restart the collector to apply changes"
            )

    def _check_threads(self) -> None:
        if not self._thread.is_alive() or not self._broker.is_alive():
            raise SnapshotError("the collector cannot go on: one of its threads has ended")

    def _offer(self, rows: Sequence[StoredSnapshot]) -> None:
        for runner in self._runners:
            runner.offer(rows)

    def _part_failed(self, error: PayloadError) -> None:
        self._ingest.part_failed(error)

    # -- from time to time -------------------------------------------------------------------------

    def _run_due_tasks(self) -> None:
        if self._is_due("status", STATUS_SECONDS):
            self._write_status()
        if self._is_due("tidy", TIDY_SECONDS):
            self._tidy()
        if self._is_due("counts", COUNTS_SECONDS):
            log.info("%s", status.line(self._counts.totals()))

    def _is_due(self, task: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due[task]:
            return False
        self._due[task] = now + seconds
        return True

    def _tidy(self) -> None:
        try:
            for _ in range(MOST_ROUNDS):
                if not self._store.tidy(time.time()):
                    break
        except StoreError as error:
            if not self._tidy_problem:
                log.error("old best snapshots cannot be deleted: %s", error)  # noqa: TRY400
            self._tidy_problem = str(error)
        else:
            self._tidy_problem = ""

    def _write_status(self, *, ended: bool = False) -> None:
        now = status.CollectorStatus(
            pid=os.getpid(),
            at=time.time(),
            broker=client.name(self._mqtt),
            topics=self._topics,
            connected=self._broker.connected,
            since=self._broker.since,
            counts=self._counts.totals(),
            problem=self._broker.problem,
            store_problem=self._ingest.problem,
            waiting=len(self._queue) + self._ingest.in_hand,
            ended=ended,
        )
        if not self._has_changed(now):
            return
        self._last_status = now
        status.write(self._store.folder, now)

    def _has_changed(self, now: status.CollectorStatus) -> bool:
        before = self._last_status
        if before is None or abs(now.at - before.at) > STATUS_AGE:
            return True
        return structs.replace(now, at=before.at) != before

    # -- the end -----------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Store and acknowledge what is in memory, and disconnect; all within bounds."""
        self._broker.hold()
        self._queue.close()
        if self._ingest.problem:
            self._ingest.give_up()
        self._thread.join(STORE_SECONDS)
        self._ingest.give_up()
        self._broker.end(DISCONNECT_SECONDS)
        deadline = Deadline(HANDLER_SECONDS)
        for runner in self._runners:
            runner.end(0.0)  # all begin to end, and then all are waited for
        for runner in self._runners:
            runner.end(deadline.left())
        self._write_status(ended=True)
        self._store.close()
        log.info("ended: %s", status.line(self._counts.totals()))
