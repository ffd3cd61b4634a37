"""The collector's counts and state, for its log and for `zmhook snapshots status`.

The state is a small file in the store's folder.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter, OrderedDict
from copy import copy
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field, json

from zmhook.printable import one_line
from zmhook.storage import atomic
from zmhook.storage.regular import read as read_file
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from os import PathLike

    from zmhook.snapshots.snapshot import StoredSnapshot

log = logging.getLogger(__name__)

NAME = "collector.json"
LARGEST = 10_000_000

MOST_KINDS = 100
MOST_CAMERAS = 500
MOST_TOPICS = 200
MOST_REASONS = 500
"""Pairs of a topic and a reason."""
LONGEST_TOPIC = 200
OTHER = "other"
OTHERS = "(other topics)"


class Last(Struct, frozen=True):
    """The newest snapshot of a camera; `received` is seconds since the epoch."""

    number: int
    label: str
    received: float
    stored: int


class HandlerCounts(Struct, frozen=True):
    """A handler's calls that returned, raised or timed out, and rows it never got."""

    done: int = 0
    failed: int = 0
    hung: int = 0
    dropped: int = 0


class Messages(Struct, kw_only=True):
    """The outcomes of messages: `received` is the sum of all others.

    A message that brings several snapshots is `stored` if one of them was, else it was
    `repeated`, or `filtered` by a setting. `no_picture` is understood and has none to store (what
    became of a track, that a camera is there); `unusable` is not understood. `dropped` came with
    QoS 0 when there was no room.
    """

    received: int = 0
    stored: int = 0
    repeated: int = 0
    filtered: int = 0
    no_picture: int = 0
    unusable: int = 0
    dropped: int = 0


Outcome = Literal["stored", "repeated", "filtered", "no_picture", "unusable", "dropped"]

OUTCOMES = {
    "stored": "stored",
    "repeated": "repeated",
    "filtered": "filtered",
    "no_picture": "no picture",
    "unusable": "unusable",
    "dropped": "dropped",
}
"""The words for outcomes, in the log and in `zmhook snapshots status`."""


class Unused(Struct, frozen=True):
    """How many messages of a topic were filtered or unusable, and why."""

    topic: str
    outcome: str
    reason: str
    number: int


class Totals(Struct, frozen=True, kw_only=True):
    """All counts at one moment; `since` is when counting began, seconds since the epoch.

    `received`, `dropped` and `unusable` count messages, `stored`, `repeated`, `amended` and
    `filtered` snapshots, `parts` what could not be read of messages that could. `messages` adds
    up, and so does each of `topics`.
    """

    since: float
    received: int = 0
    stored: int = 0
    repeated: int = 0
    amended: int = 0
    dropped: int = 0
    filtered: dict[str, int] = field(default_factory=dict)
    unusable: dict[str, int] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    messages: Messages = field(default_factory=Messages)
    topics: dict[str, Messages] = field(default_factory=dict)
    unused: tuple[Unused, ...] = ()
    handlers: dict[str, HandlerCounts] = field(default_factory=dict)
    cameras: dict[str, Last] = field(default_factory=dict)


class Counts:
    """Counts, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._since = time.time()
        self._plain: Counter[str] = Counter()
        self._filtered: Counter[str] = Counter()
        self._unusable: Counter[str] = Counter()
        self._parts: Counter[str] = Counter()
        self._topics: dict[str, Messages] = {}
        self._unused: Counter[tuple[str, str, str]] = Counter()
        self._handlers: dict[str, Counter[str]] = {}
        self._cameras: OrderedDict[str, Last] = OrderedDict()

    def add(self, what: str, number: int = 1) -> None:
        """Count snapshots that were `repeated` or `amended`."""
        with self._lock:
            self._plain[what] += number

    def message(self, topic: str, outcome: Outcome, reason: str = "", number: int = 1) -> None:
        """Count the outcome of messages; `reason` is why they are not stored."""
        topic = one_line(topic, LONGEST_TOPIC, more="")
        with self._lock:
            self._plain["received"] += number
            if outcome == "dropped":
                self._plain["dropped"] += number
            if outcome == "unusable":
                _count(self._unusable, reason, number)
            if topic not in self._topics and len(self._topics) >= MOST_TOPICS:
                topic = OTHERS
            own = self._topics.setdefault(topic, Messages())
            own.received += number
            setattr(own, outcome, getattr(own, outcome) + number)
            if reason:
                self._because((topic, outcome, reason), number)

    def _because(self, why: tuple[str, str, str], number: int) -> None:
        if why not in self._unused and len(self._unused) >= MOST_REASONS:
            why = (OTHERS, why[1], OTHER)
        self._unused[why] += number

    def filtered(self, reason: str) -> None:
        with self._lock:
            _count(self._filtered, reason)

    def part(self, kind: str) -> None:
        """Count a part of a message that could not be read."""
        with self._lock:
            _count(self._parts, kind)

    def handler(self, name: str, what: str, number: int = 1) -> None:
        """Count what a handler has `done`, `failed`, `hung` or `dropped`."""
        with self._lock:
            self._handlers.setdefault(name, Counter())[what] += number

    def stored(self, rows: Iterable[StoredSnapshot]) -> None:
        with self._lock:
            for row in rows:
                self._plain["stored"] += 1
                before = self._cameras.pop(row.camera, None)
                stored = before.stored + 1 if before else 1
                self._cameras[row.camera] = Last(row.number, row.label, row.received, stored)
                if len(self._cameras) > MOST_CAMERAS:
                    self._cameras.popitem(last=False)

    def totals(self) -> Totals:
        with self._lock:
            return Totals(
                since=self._since,
                **self._plain,
                filtered=dict(self._filtered),
                unusable=dict(self._unusable),
                parts=dict(self._parts),
                messages=_sum(self._topics.values()),
                topics={topic: copy(own) for topic, own in self._topics.items()},
                unused=tuple(Unused(*why, number) for why, number in self._unused.most_common()),
                handlers={name: HandlerCounts(**own) for name, own in self._handlers.items()},
                cameras=dict(self._cameras),
            )


def line(totals: Totals) -> str:
    """Return the counts in one line, in the words of `zmhook snapshots status`."""
    messages = totals.messages
    by_outcome = [
        f"{messages.stored} stored",
        f"{messages.repeated} repeated",
        f"{messages.filtered} filtered",
        f"{messages.no_picture} no picture",
        f"{messages.unusable} unusable{_reasons(totals.unusable)}",
        f"{messages.dropped} dropped",
    ]
    of_snapshots = [
        f"{totals.stored} stored",
        f"{totals.repeated} repeated",
        f"{totals.amended} amended",
        f"{sum(totals.filtered.values())} filtered{_reasons(totals.filtered)}",
    ]
    if totals.parts:
        number = sum(totals.parts.values())
        of_snapshots.append(f"{number} unusable parts{_reasons(totals.parts)}")
    blocks = [
        f"{totals.received} messages: {', '.join(by_outcome)}",
        f"best snapshots: {', '.join(of_snapshots)}",
        *(_handler(name, own) for name, own in totals.handlers.items()),
    ]
    return "; ".join(blocks)


def _reasons(counts: Mapping[str, int]) -> str:
    kinds = ", ".join(f"{kind}: {number}" for kind, number in counts.items())
    return f" ({kinds})" if kinds else ""


def _handler(name: str, own: HandlerCounts) -> str:
    return (
        f"handler {name}: {own.done} done, {own.failed} failed, {own.hung} hung, "
        f"{own.dropped} dropped"
    )


def _count(counter: Counter[str], kind: str, number: int = 1) -> None:
    """Count; there is a limit to the kinds, since some come from the network."""
    if kind not in counter and len(counter) >= MOST_KINDS:
        kind = OTHER
    counter[kind] += number


def _sum(messages: Iterable[Messages]) -> Messages:
    total = Messages()
    for own in messages:
        for name in Messages.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(own, name))
    return total


class CollectorStatus(Struct, frozen=True, kw_only=True):
    """The state at `at`, seconds since the epoch as `since` is (of the connection, or its loss).

    `problem` says why there is no connection, `store_problem` why nothing is stored; empty when
    all is well. `waiting` is how many messages are not stored yet.
    """

    pid: int
    at: float
    broker: str
    topics: tuple[str, ...]
    connected: bool
    since: float
    counts: Totals
    problem: str = ""
    store_problem: str = ""
    waiting: int = 0
    ended: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the process is still there; another may have its number by now."""
        return not self.ended and Path("/proc", str(self.pid)).exists()


def write(folder: str | PathLike[str], status: CollectorStatus) -> None:
    """Write the file; one that cannot be written is no reason to stop."""
    try:
        atomic.write(Path(folder, NAME), json.encode(status))
    except OSError as error:
        log.debug("%s: the status cannot be written: %s", folder, error)


def read(folder: str | PathLike[str]) -> CollectorStatus | None:
    """Return what was written last; None when there is nothing that can be read."""
    with contextlib.suppress(OSError, Unreadable):
        return decoded(read_file(Path(folder, NAME), LARGEST), CollectorStatus)
    return None
