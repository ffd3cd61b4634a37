"""Ask ZoneMinder for new events, and have the hook analyse each once."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from zmhook.errors import PortalError, WatchError
from zmhook.event import Event
from zmhook.net.urls import shown
from zmhook.storage.lock import lock_file
from zmhook.watch import status
from zmhook.watch.position import PAGE, Follower, Position
from zmhook.zoneminder.event_row import event_row

if TYPE_CHECKING:
    from zmhook.settings import Config
    from zmhook.watch.hooks import Finished
    from zmhook.zoneminder.event_row import EventRow

log = logging.getLogger(__name__)

STOP = (signal.SIGTERM, signal.SIGINT)
SIGNALS = (*STOP, signal.SIGHUP)
LONGEST_PAUSE = 60.0
"""Seconds between two requests to a ZoneMinder that does not answer, at most."""
TICK = 0.05
"""Seconds until hooks are looked after again, while there are any."""
WRITE_SECONDS = 10.0
RESET_SECONDS = 60.0
"""Seconds without an event after which the newest number is compared with ours."""
NAME_SECONDS, NAMELESS_SECONDS = 3600.0, 30.0
"""How long a monitor's name is known, and not asked for again where it was not told."""
MOST_NAMES = 1000


class EventSource(Protocol):
    """Where events come from: `Portal`."""

    def events_after(self, event_id: int, most: int) -> list[dict[str, Any]]: ...

    def monitor(self, monitor_id: int) -> dict[str, Any]: ...


class HookRunner(Protocol):
    """What runs the hook: `Hooks`."""

    def __len__(self) -> int: ...

    @property
    def has_room(self) -> bool: ...

    def start(self, event: Event, seconds: float) -> None: ...

    def finished(self) -> list[Finished]: ...

    def seconds_left(self) -> float: ...

    def kill(self) -> None: ...


class Stopper(Protocol):
    """Where signals come from: `Signals`."""

    def wait(self, seconds: float) -> int | None: ...


class Watcher:
    """Raises `WatchError` when another one watches, or nothing can be watched."""

    def __init__(self, config: Config, source: EventSource, hooks: HookRunner) -> None:
        general = config.general.general
        if not general.portal:
            raise WatchError("[general] portal is empty: it says which ZoneMinder to watch")
        self._config = config
        self._watch = config.general.watch
        self._source = source
        self._hooks = hooks
        self._folder = status.folder_of(general.base_data_path)
        self._lock = self._locked()
        self._portal = general.portal
        self._follower: Follower | None = self._continued()
        self._waiting: deque[tuple[EventRow, float]] = deque()
        self._names: OrderedDict[int, tuple[str, float]] = OrderedDict()
        self._since = time.time()
        self._counts = status.EventCounts()
        self._last = (0, 0.0)
        self._outage = _Outage(self._watch.watch_interval)
        self._next_poll = self._next_write = 0.0
        self._next_reset = time.monotonic() + RESET_SECONDS
        self._write_problem = ""
        self._has_begun = self._ended = False

    def run(self, signals: Stopper) -> None:
        """Watch until a signal says stop; then wait for the hooks that run."""
        try:
            number = None
            while number not in STOP:
                if number == signal.SIGHUP:
                    log.warning("the configuration is read at the start: restart zmhook watch")
                number = signals.wait(self.tick())
            self._drain(signals)
            self._ended = True
        finally:
            self._write()
            os.close(self._lock)
        log.info("ended")

    def tick(self) -> float:
        """Do what is due; return how many seconds may pass until the next time."""
        self._finish()
        if time.monotonic() >= self._next_poll:
            self._poll()
        self._start_waiting()
        if time.monotonic() >= self._next_write:
            self._write()
        left = max(0.0, self._next_poll - time.monotonic())
        return min(left, TICK) if len(self._hooks) else left

    # -- where to go on ----------------------------------------------------------------------------

    def _locked(self) -> int:
        """Return the lock that one watcher has; another would analyse every event again."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = lock_file(self._folder / status.LOCK)
        except OSError as error:
            raise WatchError(f"{self._folder}: cannot be used ({error.strerror})") from None
        if lock is None:
            raise WatchError(f"{self._folder / status.LOCK}: another zmhook watch is running")
        return lock

    def _continued(self) -> Follower | None:
        """Return where the last watcher was; None where there was none, or of another portal."""
        before = status.read(self._folder)
        file = self._folder / status.NAME
        if before is None and os.path.lexists(file):
            log.warning("%s: cannot be read: the watch begins with the next event", file)
        if before is None or before.position.portal != self._portal:
            return None
        return Follower(before.position, self._watch.watch_max_age)

    def _begun(self, now: float) -> Follower:
        """Begin with the next event."""
        newest = self._newest()
        position = Position(portal=self._portal, mark=newest, answered=now)
        return Follower(position, self._watch.watch_max_age)

    def _newest(self, hidden: int = 0) -> int:
        """Return the number of the newest event; `hidden` for one that the user may not see."""
        rows = self._source.events_after(0, 1)
        return max((event_row(row).id or hidden for row in rows), default=0)

    # -- new events --------------------------------------------------------------------------------

    def _poll(self) -> None:
        now = time.time()
        try:
            if self._follower is None:
                self._follower = self._begun(now)
            position = self._follower.position
            rows = [event_row(row) for row in self._source.events_after(position.mark, PAGE)]
            if not rows:
                self._check_reset(self._follower)
        except PortalError as error:
            self._next_poll = time.monotonic() + self._outage.failed(error)
            return
        self._outage.ended()
        if not self._has_begun:
            self._has_begun = True
            log.info("watching %s, after event %d", shown(self._portal), position.mark)
        self._next_poll = time.monotonic() + self._watch.watch_interval
        if rows:
            self._next_reset = time.monotonic() + RESET_SECONDS
        self._take(self._follower, rows, now)

    def _check_reset(self, follower: Follower) -> None:
        """Notice a database that begins anew: its numbers would stay below ours for long."""
        if time.monotonic() < self._next_reset:
            return
        self._next_reset = time.monotonic() + RESET_SECONDS
        newest = self._newest(hidden=follower.position.mark)
        if newest < follower.position.mark:
            log.info("event %d is the newest, after event %d", newest, follower.position.mark)
            follower.restart_at(newest)

    def _take(self, follower: Follower, rows: list[EventRow], now: float) -> None:
        new = follower.take(rows, now)
        events = [row for row in new.events if self._is_watched(row.monitor_id)]
        follower.settle({row.id for row in new.events} - {row.id for row in events})
        self._waiting.extend((row, time.monotonic()) for row in events)
        many = [self._waiting.popleft() for _ in range(len(self._waiting) - self._most)]
        follower.settle(row.id for row, _ in many)
        if new.old:
            self._count(old=len(new.old))
            log.warning(
                "%d events are left out: they began more than %g s ago ([watch] watch_max_age)",
                len(new.old),
                self._watch.watch_max_age,
            )
        if many or new.missed:
            self._count(too_many=len(many))
            what = "%s events are left out: too many at once ([watch] watch_max_events)"
            number = f"more than {len(many)}" if new.missed else str(len(many))
            log.warning(what, number if many else "some")

    @property
    def _most(self) -> int:
        return self._watch.watch_max_events

    def _is_watched(self, monitor_id: int) -> bool:
        return self._config.for_monitor(monitor_id).watch.watch_events

    # -- handing over ------------------------------------------------------------------------------

    def _start_waiting(self) -> None:
        while self._waiting and self._hooks.has_room:
            row, since = self._waiting.popleft()
            assert self._follower is not None  # noqa: S101 - who else found it
            self._follower.settle([row.id])
            if time.monotonic() - since > self._watch.watch_max_age:
                self._count(old=1)
                log.warning("event %d is left out: it waited too long", row.id)
                continue
            self._start(row)

    def _start(self, row: EventRow) -> None:
        """Hand an event over; it is written down first, so that it never is twice."""
        event = Event(
            id=row.id,
            monitor_id=row.monitor_id,
            monitor_name=self._name(row.monitor_id),
            cause=row.cause,
            path=row.folder if os.path.isdir(row.folder) else "",  # noqa: PTH112 - "" is none
        )
        self._last = (row.id, time.time())
        self._write()
        deadline = self._config.for_monitor(row.monitor_id).general.event_deadline
        try:
            self._hooks.start(event, deadline)
        except OSError as error:
            self._count(failed=1)
            log.error("%s: the hook cannot be run: %s", event, error.strerror)  # noqa: TRY400
        else:
            log.debug("%s: the hook is running", event)

    def _name(self, monitor_id: int) -> str:
        """Return a monitor's name, asked now and then; "" where ZoneMinder does not tell it."""
        name, until = self._names.get(monitor_id, ("", 0.0))
        if time.monotonic() < until:
            return name
        seconds = NAME_SECONDS
        try:
            name = str(self._source.monitor(monitor_id).get("Name") or "")
        except PortalError as error:
            log.debug("the name of monitor %d is not known: %s", monitor_id, error)
            seconds = NAMELESS_SECONDS
        self._names[monitor_id] = (name, time.monotonic() + seconds)
        if len(self._names) > MOST_NAMES:
            self._names.popitem(last=False)
        return name

    def _finish(self) -> None:
        for event, outcome in self._hooks.finished():
            self._count(**{outcome: 1})
            self._next_write = 0.0
            log.debug("%s: %s", event, outcome)
            if outcome == "failed":
                log.error("%s: the hook has failed", event)

    def _count(self, **more: int) -> None:
        sums = {name: getattr(self._counts, name) + number for name, number in more.items()}
        self._counts = structs.replace(self._counts, **sums)

    # -- the end -----------------------------------------------------------------------------------

    def _drain(self, signals: Stopper) -> None:
        """Wait for the hooks that run; what waits is handed over after the next start."""
        while len(self._hooks) and self._hooks.seconds_left() > 0:
            if signals.wait(TICK) in STOP:
                break
            self._finish()
        self._hooks.kill()
        self._finish()

    # -- the file ----------------------------------------------------------------------------------

    def _write(self) -> None:
        if self._follower is None:
            return
        self._next_write = time.monotonic() + WRITE_SECONDS
        try:
            status.write(self._folder, self._status(self._follower.position))
        except OSError as error:
            problem = f"{self._folder / status.NAME}: cannot be written ({error.strerror})"
            if problem != self._write_problem:
                log.error("%s: after a restart, events may be analysed again", problem)  # noqa: TRY400
            self._write_problem = problem
        else:
            self._write_problem = ""

    def _status(self, position: Position) -> status.WatchStatus:
        event_id, at = self._last
        return status.WatchStatus(
            position=position,
            pid=os.getpid(),
            at=time.time(),
            since=self._since,
            problem=self._outage.problem,
            waiting=len(self._waiting),
            in_progress=len(self._hooks),
            last_event=event_id,
            last_time=at,
            counts=self._counts,
            ended=self._ended,
        )


class _Outage:
    """A time in which ZoneMinder does not answer: a line when it begins, another when it ends."""

    def __init__(self, interval: float) -> None:
        self.problem = ""
        self._interval = interval
        self._pause = interval
        self._began = 0.0

    def failed(self, error: PortalError) -> float:
        """Return how many seconds to wait before the next attempt."""
        if not self.problem:
            self._began = time.monotonic()
            log.error("%s (no events are analysed until it answers)", error)
        self.problem = str(error)
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
        return self._pause

    def ended(self) -> None:
        if self.problem:
            log.warning("ZoneMinder answers again, after %.0f s", time.monotonic() - self._began)
        self.problem = ""
        self._pause = self._interval
