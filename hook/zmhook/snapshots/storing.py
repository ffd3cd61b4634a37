"""From messages to stored snapshots, and only then the acknowledgement."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from itertools import islice
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from zmhook.errors import PayloadError, StoreError
from zmhook.net.backoff import Backoff
from zmhook.snapshots import filters
from zmhook.snapshots.counts import OTHERS, Outcome
from zmhook.snapshots.hourly import Hourly
from zmhook.snapshots.snapshot import Amendment, BestSnapshot
from zmhook.snapshots.undecided import Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.settings import Mqtt, Snapshots
    from zmhook.snapshots.counts import Counts
    from zmhook.snapshots.message import Message, Waiting
    from zmhook.snapshots.snapshot import StoredSnapshot

log = logging.getLogger(__name__)

MOST_AT_ONCE = 64
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
SETTLE_SECONDS = 1.0
"""How often, with nothing else to do, it is looked who has waited for a class long enough."""

_SETTING = re.compile(r"snapshot_\w+")
_FAILURES = (StoreError, OSError, sqlite3.Error)

News = BestSnapshot | Amendment
T = TypeVar("T")


_FAULT = "internal error"


class _Read(NamedTuple):
    """What a message brought; `otherwise` is what it counts as if nothing of it is stored."""

    topic: str
    snapshots: list[BestSnapshot]
    amendments: list[Amendment]
    otherwise: tuple[Outcome, str] = ("no_picture", "")


class _GivenUp(Exception):
    """The collector ends while the store fails."""


class Reader(Protocol):
    """What understands messages: `Interpreter`."""

    def read(
        self, topic: str, payload: bytes, *, retained: bool = False, received: float
    ) -> list[News]: ...


class Keeper(Protocol):
    """What keeps snapshots: `Store`."""

    def add(self, snapshots: Sequence[BestSnapshot]) -> list[StoredSnapshot]: ...

    def amend(self, amendments: Sequence[Amendment]) -> list[StoredSnapshot]: ...

    def remove(self, numbers: Sequence[int]) -> int: ...


class Storing:
    """Takes messages, stores what they bring and has them acknowledged; `run` is for one thread.

    While the store fails, it waits: nothing is acknowledged, and the broker keeps what it has.
    `settings_of` tells what is kept, by monitor. `stored` is told what is new, after it was
    acknowledged; of what comes without its class, when that is known or was waited for.
    """

    def __init__(
        self,
        waiting: Waiting,
        reader: Reader,
        store: Keeper,
        counts: Counts,
        *,
        settings_of: Callable[[int | None], Snapshots],
        mqtt: Mqtt,
        ack: Callable[[Sequence[Message]], None],
        stored: Callable[[Sequence[StoredSnapshot]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._waiting = waiting
        self._reader = reader
        self._store = store
        self._counts = counts
        self._settings_of = settings_of
        self._mqtt = mqtt
        self._ack = ack
        self._stored = stored
        self._undecided = Undecided(settings_of)
        self._wait = Backoff(FIRST_WAIT, LONGEST_WAIT)
        self._giving_up = Event()
        self._hourly = Hourly(clock)
        self._topic = ""
        self.in_hand = 0
        """Messages that are being stored, neither waiting nor counted yet."""
        self.problem = ""
        """Why nothing can be stored; empty when all is well."""

    def run(self) -> None:
        """Work until `waiting` is closed and empty, or `give_up` was called."""
        while not self._waiting.is_over:
            pause = SETTLE_SECONDS if len(self._undecided) else None
            if not self._store_all(self._waiting.take(MOST_AT_ONCE, pause)):
                return

    def give_up(self) -> None:
        """End even though not all is stored: what is not acknowledged comes again."""
        self._giving_up.set()

    def part_failed(self, error: PayloadError) -> None:
        """Count a part of a message that cannot be read, while others of it can."""
        self._counts.part(error.kind)
        self._mention(self._topic, error.kind, str(error))

    def _store_all(self, messages: Sequence[Message]) -> bool:
        """Store what the messages bring; false when it was given up."""
        self._count_refused()
        self.in_hand = len(messages)
        taken = [self._taken(message) for message in messages]
        snapshots = [one for read in taken for one in read.snapshots]
        amendments = [one for read in taken for one in read.amendments]
        try:
            rows = self._rows(snapshots)
            changed = self._amend(amendments)
            self._ack(messages)
            new = self._new(rows, snapshots)
            self._account(taken, rows, {row.number for row in new})
            self._tell(new, changed)
        except _GivenUp:
            return False
        self.in_hand = 0
        return True

    def _account(
        self, taken: list[_Read], rows: list[StoredSnapshot | None], new: set[int]
    ) -> None:
        """Count each message as what became of it: once, and none is left out."""
        following = iter(rows)
        for read in taken:
            own = list(islice(following, len(read.snapshots)))
            stored = [row.number for row in own if row is not None]
            outcome, reason = read.otherwise
            if not new.isdisjoint(stored):
                outcome, reason = "stored", ""
                new.difference_update(stored)  # the same picture twice is stored once
            elif stored:
                outcome, reason = "again", ""
            elif own:
                outcome, reason = "of_no_use", _FAULT
            self._counts.message(read.topic, outcome, reason)

    # -- reading -----------------------------------------------------------------------------------

    def _taken(self, message: Message) -> _Read:
        """Return what a message brings, and what it counts as unless something of it is stored."""
        self._topic = message.topic
        read = _Read(message.topic, [], [])
        try:
            news = self._news(message)
        except PayloadError as error:
            self._mention(message.topic, error.kind, str(error))
            return read._replace(otherwise=("of_no_use", error.kind))
        except Exception:
            # A fault of ours must not keep every other message from being stored.
            if self._hourly.is_due((message.topic, _FAULT)):
                log.exception("%s: a message could not be read", message.topic)
            return read._replace(otherwise=("of_no_use", _FAULT))
        return self._sorted(read, news, retained=message.retained)

    def _sorted(self, read: _Read, news: list[News], *, retained: bool) -> _Read:
        otherwise: tuple[Outcome, str] = ("no_picture", "")
        if retained and not news:
            otherwise = ("filtered", "kept by the broker, of any age")
        for one in news:
            if isinstance(one, Amendment):
                read.amendments.append(one)
            elif reason := self._unwanted(one):
                otherwise = ("filtered", reason)
            else:
                read.snapshots.append(one)
        return read._replace(otherwise=otherwise)

    def _mention(self, topic: str, kind: str, line: str) -> None:
        if self._hourly.is_due((topic, kind)):
            log.warning("%s (others like it are only counted, for an hour)", line)

    def _news(self, message: Message) -> list[News]:
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

    def _unwanted(self, snapshot: BestSnapshot) -> str:
        """Return which setting leaves a snapshot out; "" for none."""
        reason = filters.reason(snapshot, self._settings_of(snapshot.monitor_id))
        return "" if reason is None else self._not_kept(snapshot, reason)

    def _not_kept(self, snapshot: BestSnapshot | StoredSnapshot, reason: str) -> str:
        found = _SETTING.search(reason)
        setting = found[0] if found else "part of something else"
        self._counts.filtered(setting)
        log.debug("%s: track %s is not kept: %s", snapshot.camera, snapshot.track_id, reason)
        return setting

    def _count_refused(self) -> None:
        refused = self._waiting.refused()
        for topic, number in refused.items():
            self._counts.message(topic or OTHERS, "dropped", number=number)
        if refused:
            log.warning(
                "%d messages that came with QoS 0 were dropped: more than mqtt_queue waited. Have"
                " cameras publish with QoS 1: then the broker keeps them",
                sum(refused.values()),
            )

    # -- storing -----------------------------------------------------------------------------------

    def _rows(self, snapshots: list[BestSnapshot]) -> list[StoredSnapshot | None]:
        """Store; return a row for each, None for one that was of no use."""
        if not snapshots:
            return []
        try:
            return list(self._patiently(lambda: self._store.add(snapshots)))
        except _GivenUp:
            raise
        except Exception:
            log.debug("storing %d snapshots failed", len(snapshots), exc_info=True)
        if len(snapshots) > 1:
            return [row for one in snapshots for row in self._rows([one])]
        if self._hourly.is_due((snapshots[0].topic, _FAULT)):
            log.error("%s: a snapshot could not be stored, a fault of ours", snapshots[0].camera)
        return [None]

    def _amend(self, amendments: list[Amendment]) -> list[StoredSnapshot]:
        if not amendments:
            return []
        changed = self._patiently(lambda: self._store.amend(amendments))
        self._counts.add("amended", len(changed))
        return changed

    def _patiently(self, work: Callable[[], T]) -> T:
        """Do it until the store does not fail. Raises `_GivenUp`."""
        while True:
            try:
                result = work()
            except _FAILURES as error:
                self._fails(error)
            else:
                self._works()
                return result
            if self._giving_up.wait(self._wait.next()):
                raise _GivenUp

    def _fails(self, error: Exception) -> None:
        if not self.problem:
            log.error("%s; messages wait until it works, and the broker keeps the rest", error)
        self.problem = str(error)

    def _works(self) -> None:
        if self.problem:
            log.warning("snapshots are stored again")
        self.problem = ""
        self._wait.reset()

    def _new(
        self, rows: Sequence[StoredSnapshot | None], snapshots: Sequence[BestSnapshot]
    ) -> list[StoredSnapshot]:
        """Return, and count, what was stored for the first time."""
        new: dict[int, StoredSnapshot] = {}
        again = 0
        for row, snapshot in zip(rows, snapshots, strict=True):
            # A picture that came again has the row, and its time, of when it came first.
            if row is not None and row.received == snapshot.received and row.number not in new:
                new[row.number] = row
            elif row is not None:
                again += 1
        self._counts.add("again", again)
        self._counts.stored(new.values())
        return list(new.values())

    def _tell(self, new: Sequence[StoredSnapshot], changed: Sequence[StoredSnapshot]) -> None:
        """Pass on what is new and has its class; and take out what turns out not to be wanted."""
        early = [row for row in new if self._is_early(row)]
        self._undecided.put(early)
        settled = self._undecided.settle(changed)
        told = [*(row for row in new if row not in early), *settled.wanted]
        if told:
            self._stored(told)
        for row, reason in settled.unwanted:
            self._not_kept(row, reason)
        if settled.unwanted:
            numbers = [row.number for row, _ in settled.unwanted]
            self._patiently(lambda: self._store.remove(numbers))

    def _is_early(self, row: StoredSnapshot) -> bool:
        return filters.is_early(row, self._settings_of(row.monitor_id))
