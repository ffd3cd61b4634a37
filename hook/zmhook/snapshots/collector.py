"""The collector: from the broker into the store, and from there to the handlers."""

from __future__ import annotations

import logging
import os
import signal
import time
from itertools import chain
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from msgspec import structs

from zmhook.deadline import Deadline
from zmhook.errors import SnapshotError, StoreError
from zmhook.net import mqtt as client
from zmhook.snapshots import counts, status
from zmhook.snapshots.broker import Broker
from zmhook.snapshots.handlers import base
from zmhook.snapshots.handlers.runner import MOST_WAITING, Runner
from zmhook.snapshots.interpreter import Interpreter, MessageLimits
from zmhook.snapshots.message import Waiting
from zmhook.snapshots.store.retention import DAY, StoreLimits
from zmhook.snapshots.store.store import Store
from zmhook.snapshots.storing import Storing
from zmhook.snapshots.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.errors import PayloadError
    from zmhook.settings import Config
    from zmhook.snapshots.snapshot import StoredSnapshot

log = logging.getLogger(__name__)

LEAST_MEMORY = 256_000_000
"""Bytes of messages that may wait in memory, or two of the largest, if that is more."""
STATUS_SECONDS, TIDY_SECONDS, COUNTS_SECONDS = 2.0, 60.0, 3600.0
STATUS_AGE = 60.0
"""Seconds after which it is written though there is nothing new in it."""
MOST_ROUNDS = 50
"""Times 200 pictures that are deleted before signals are looked at again."""
STORE_SECONDS, LEAVE_SECONDS, HANDLER_SECONDS = 10.0, 5.0, 3.0
"""How long the end may take: to store what is in memory, to take leave, for the handlers."""

STOP = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*STOP, signal.SIGHUP, signal.SIGUSR1)


class Wait(Protocol):
    """Where signals come from: `Signals`."""

    def wait(self, seconds: float) -> int | None: ...


class Collector:
    """Raises `SnapshotError` (`StoreError`) and `MissingPart` when it cannot begin."""

    def __init__(self, config: Config) -> None:
        client.require()
        settings = config.general
        names = (base.names(one.snapshots) for one in (settings, *config.monitors.values()))
        found = {name: base.find(name) for name in dict.fromkeys(chain.from_iterable(names))}
        topics = Topics.from_settings(settings)
        mqtt = settings.mqtt
        self._mqtt = mqtt
        self._counts = counts.Counts()
        self._topics = tuple(topics.filters())
        self._store = Store.open(
            settings.snapshots.snapshot_path, StoreLimits.of(settings.snapshots)
        )
        self._runners = [
            Runner(name, made_by, config.for_monitor, self._store, self._counts)
            for name, made_by in found.items()
        ]
        self._behind = [
            runner
            for runner, made_by in zip(self._runners, found.values(), strict=True)
            if made_by.catches_up
        ]
        memory = max(LEAST_MEMORY, round(2e6 * mqtt.mqtt_max_message))
        self._waiting = Waiting(mqtt.mqtt_queue, memory)
        before = status.read(self._store.folder)
        self._broker = Broker(
            mqtt, self._topics, self._waiting, former=before.topics if before else ()
        )
        self._storing = Storing(
            self._waiting,
            Interpreter(topics, MessageLimits.of(settings), self._part_failed),
            self._store,
            self._counts,
            settings_of=lambda monitor: config.for_monitor(monitor).snapshots,
            mqtt=mqtt,
            ack=self._broker.ack,
            stored=self._stored,
        )
        self._thread = Thread(target=self._storing.run, name="storing", daemon=True)
        self._due = {"status": 0.0, "tidy": 0.0, "counts": time.monotonic() + COUNTS_SECONDS}
        self._cannot_tidy = ""
        self._written: status.Status | None = None

    def run(self, signals: Wait) -> None:
        """Collect until a signal says stop. Raises `SnapshotError` when it cannot go on."""
        self._catch_up()
        for runner in self._runners:
            runner.start()
        self._thread.start()
        self._broker.start()
        log.info("snapshots go to %s", self._store.folder)
        try:
            number = None
            while number not in STOP:
                self._obey(number)
                self._check()
                self._work()
                number = signals.wait(1.0)
        finally:
            self._stop()

    def _catch_up(self) -> None:
        """Offer what was stored before, and nobody came to say anything of."""
        if self._behind:
            rows = self._store.undescribed(time.time() - DAY, MOST_WAITING)
            for runner in self._behind:
                runner.offer(rows)

    def _obey(self, number: int | None) -> None:
        if number == signal.SIGUSR1:
            log.info("%s", counts.line(self._counts.totals()))
        elif number == signal.SIGHUP:
            log.warning("the configuration is read at the start: restart the collector for that")

    def _check(self) -> None:
        if not self._thread.is_alive() or not self._broker.is_alive():
            raise SnapshotError("the collector cannot go on: one of its threads has ended")

    def _stored(self, rows: Sequence[StoredSnapshot]) -> None:
        for runner in self._runners:
            runner.offer(rows)

    def _part_failed(self, error: PayloadError) -> None:
        self._storing.part_failed(error)

    # -- from time to time -------------------------------------------------------------------------

    def _work(self) -> None:
        if self._is_due("status", STATUS_SECONDS):
            self._write_status()
        if self._is_due("tidy", TIDY_SECONDS):
            self._tidy()
        if self._is_due("counts", COUNTS_SECONDS):
            log.info("%s", counts.line(self._counts.totals()))

    def _is_due(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + seconds
        return True

    def _tidy(self) -> None:
        try:
            for _ in range(MOST_ROUNDS):
                if not self._store.tidy(time.time()):
                    break
        except StoreError as error:
            if not self._cannot_tidy:
                log.error("old snapshots cannot be deleted: %s", error)  # noqa: TRY400
            self._cannot_tidy = str(error)
        else:
            self._cannot_tidy = ""

    def _write_status(self, *, ended: bool = False) -> None:
        now = status.Status(
            pid=os.getpid(),
            at=time.time(),
            broker=client.name(self._mqtt),
            topics=self._topics,
            connected=self._broker.connected,
            since=self._broker.since,
            counts=self._counts.totals(),
            problem=self._broker.problem,
            store_problem=self._storing.problem,
            waiting=len(self._waiting) + self._storing.in_hand,
            ended=ended,
        )
        if not self._is_news(now):
            return
        self._written = now
        status.write(self._store.folder, now)

    def _is_news(self, now: status.Status) -> bool:
        before = self._written
        if before is None or abs(now.at - before.at) > STATUS_AGE:
            return True
        return structs.replace(now, at=before.at) != before

    # -- the end -----------------------------------------------------------------------------------

    def _stop(self) -> None:
        """Store and acknowledge what is in memory, and leave; all within bounds."""
        self._broker.hold()
        self._waiting.close()
        if self._storing.problem:
            self._storing.give_up()
        self._thread.join(STORE_SECONDS)
        self._storing.give_up()
        self._broker.end(LEAVE_SECONDS)
        deadline = Deadline(HANDLER_SECONDS)
        for runner in self._runners:
            runner.end(0.0)  # all begin to end, and then all are waited for
        for runner in self._runners:
            runner.end(deadline.left())
        self._write_status(ended=True)
        self._store.close()
        log.info("ended: %s", counts.line(self._counts.totals()))
