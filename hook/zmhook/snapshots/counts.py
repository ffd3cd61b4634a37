"""What a collector has done, for its log and for `zmhook snapshots status`."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zmhook.snapshots.snapshot import Row

MOST_KINDS = 100
MOST_CAMERAS = 500
OTHER = "other"


class Last(Struct, frozen=True):
    """The newest snapshot of a camera; `received` is seconds since the epoch."""

    number: int
    label: str
    received: float
    stored: int


class HandlerCounts(Struct, frozen=True):
    """What a handler has done: calls that returned, raised, were given up; rows it never saw."""

    done: int = 0
    failed: int = 0
    hung: int = 0
    dropped: int = 0


class Totals(Struct, frozen=True, kw_only=True):
    """All counts at one moment; `since` is when counting began, seconds since the epoch.

    `received` counts messages, `stored`, `again` and `filtered` snapshots. A message that was
    `dropped` came with QoS 0 when there was no room.
    """

    since: float
    received: int = 0
    stored: int = 0
    again: int = 0
    amended: int = 0
    dropped: int = 0
    filtered: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    handlers: dict[str, HandlerCounts] = field(default_factory=dict)
    cameras: dict[str, Last] = field(default_factory=dict)


class Counts:
    """Counts, from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._since = time.time()
        self._plain: Counter[str] = Counter()
        self._filtered: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._handlers: dict[str, Counter[str]] = {}
        self._cameras: OrderedDict[str, Last] = OrderedDict()

    def add(self, what: str, number: int = 1) -> None:
        """Count `received`, `again`, `amended` or `dropped`."""
        with self._lock:
            self._plain[what] += number

    def filtered(self, reason: str) -> None:
        with self._lock:
            _count(self._filtered, reason)

    def broken(self, kind: str) -> bool:
        """Count a message that is of no use; say whether it is the first of its kind."""
        with self._lock:
            return _count(self._broken, kind)

    def handler(self, name: str, what: str, number: int = 1) -> None:
        """Count what a handler has `done`, `failed`, `hung` or `dropped`."""
        with self._lock:
            self._handlers.setdefault(name, Counter())[what] += number

    def stored(self, rows: Iterable[Row]) -> None:
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
                broken=dict(self._broken),
                handlers={name: HandlerCounts(**own) for name, own in self._handlers.items()},
                cameras=dict(self._cameras),
            )


def line(totals: Totals) -> str:
    """Return the counts in one line."""
    parts = [
        f"{totals.received} messages",
        f"{totals.stored} snapshots stored",
        f"{totals.again} that came again",
        f"{totals.amended} amended",
        *_of(totals.filtered, "not kept"),
        *_of(totals.broken, "of no use"),
    ]
    if totals.dropped:
        parts.append(f"{totals.dropped} dropped for want of room (QoS 0)")
    parts += [_handler(name, own) for name, own in totals.handlers.items()]
    return ", ".join(parts)


def _of(counts: Mapping[str, int], what: str) -> list[str]:
    if not counts:
        return []
    kinds = ", ".join(f"{kind}: {number}" for kind, number in counts.items())
    return [f"{sum(counts.values())} {what} ({kinds})"]


def _handler(name: str, own: HandlerCounts) -> str:
    return (
        f"handler {name}: {own.done} done, {own.failed} failed, {own.hung} hung, "
        f"{own.dropped} dropped"
    )


def _count(counter: Counter[str], kind: str) -> bool:
    """Count; there is a limit to the kinds, since some come from the network."""
    if kind not in counter and len(counter) >= MOST_KINDS:
        kind = OTHER
    counter[kind] += 1
    return counter[kind] == 1
