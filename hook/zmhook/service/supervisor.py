"""Run the service: accept events, answer each by its deadline, keep workers alive."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.errors import InferenceUnavailable
from zmhook.frames.base import frame_ids
from zmhook.net.http_connection import CloseConnection
from zmhook.service.config_watch import CodeWatch, ConfigWatch, Fingerprint
from zmhook.service.fetch import Fetcher
from zmhook.service.paths import patience_path, patience_text
from zmhook.service.pool import Pool, Slot
from zmhook.service.queue import FairQueue
from zmhook.service.stats import Stats
from zmhook.service.ticket import EventTicket, InferTicket
from zmhook.storage import atomic

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from zmhook.detection import Decision
    from zmhook.event import Event
    from zmhook.service.queue import AnyTicket, Result, Ticket
    from zmhook.service.wire import InferResult, InferTask
    from zmhook.service.worker_process import LogRelay
    from zmhook.settings import Service, Settings

log = logging.getLogger(__name__)

FETCH_THREADS = 16
MOST_THREADS = 4
AT_START = (
    "service_environment",
    "service_workers",
    "service_queue",
    "worker_max_rss",
    "model_idle_unload",
)
"""Settings that are read when the service starts, and then no more."""
SILENCE, SHORTEST_SILENCE = 3.0, 0.5
"""Seconds without any sign of life after which a hook takes us for dead, at most and at least."""
SILENCE_SHARE = 1 / 8
"""... and as a part of the shortest deadline: what is left must do for deciding without us."""
BEATS = 4
"""Signs of life in that time."""
POLL_SECONDS = 0.5
"""Seconds between two looks at whether to end."""


class Supervisor:
    """Decides events by its workers. `start` once; `finish` once."""

    def __init__(self, config: ConfigWatch, log_relay: LogRelay) -> None:
        self.config = config
        self.stats = Stats()
        self.log_relay = log_relay
        self.fingerprint = Fingerprint()
        self.code = CodeWatch()
        self.stopping = asyncio.Event()
        self.last_asked = time.monotonic()
        service = self._service()
        self.queue = FairQueue(service.service_queue)
        self.pool = Pool([self._slot(service, rank) for rank in range(_workers(service))])
        self._threads = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch")
        self.replaced = False
        self.problems: Callable[[], list[str]] = self.not_in_force
        """What somebody has to see to, one line each."""
        self._started_with = service
        self._open: set[AnyTicket] = set()
        self._patience = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self.pool.start()

    async def decide(self, event: Event) -> tuple[Decision, Settings]:
        """Return the decision and the settings that it was made with.

        Raises `CloseConnection` when this service is out of date, or has no memory or files left:
        the caller finds another way.
        """
        if not self._is_taking():
            raise CloseConnection
        ticket = self._ticket(event)
        decision = ticket.timed(await self._run(ticket))
        self.stats.decided(decision, time.monotonic() - ticket.asked)
        if ticket.lacks_resources and decision.outcome == "undecided":
            # The hook is a process of its own, with limits of its own: it decides by itself then.
            log.warning("%s: left to the hook: %s", event, "; ".join(decision.errors))
            raise CloseConnection
        return decision, ticket.settings

    async def infer(self, task: InferTask) -> InferResult:
        """Run models on another machine's images: no gate, and nothing is stored.

        Raises `InferenceUnavailable`.
        """
        if not self._is_taking():
            raise InferenceUnavailable("the service is ending", retry=True)
        settings = local(self.config.current().general)
        ticket = InferTicket(task, settings, self.fingerprint.of(settings))
        result = await self._run(ticket)
        if isinstance(result, InferenceUnavailable):
            self.stats.inference_requests["failed"] += 1
            raise result
        self.stats.inferred(result, time.monotonic() - ticket.asked)
        return result

    async def _run(self, ticket: Ticket[Result]) -> Result:
        """Queue a ticket, and wait for its result."""
        self._open.add(ticket)
        try:
            if self._put(ticket):
                task = asyncio.create_task(self._prepare(ticket))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return await ticket.result()
        except asyncio.CancelledError:
            self._forget(ticket)
            raise
        finally:
            self._open.discard(ticket)
            self.queue.remove(ticket)
            self.last_asked = time.monotonic()

    @property
    def busy(self) -> float:
        """Tickets that wait or run, per worker."""
        running = sum(slot.ticket is not None for slot in self.pool.slots)
        return (len(self.queue) + running) / len(self.pool.slots)

    def _is_taking(self) -> bool:
        """Note a request; return whether new ones are accepted."""
        self.last_asked = time.monotonic()
        if self.code.has_changed() and not self.replaced:
            log.info("zmhook itself has been replaced: ending, so that a new service can start")
            self.replaced = True
            self.stopping.set()
        return not self.stopping.is_set()

    async def finish(self, seconds: float) -> None:
        """Let running events finish, answer the rest, end the workers.

        Replaced by another version, first serve those who wait: nobody is in a hurry to end us.
        """
        self.stopping.set()
        if self.replaced and self._tasks:
            await asyncio.wait(self._tasks, timeout=self.config.longest_deadline())
        for ticket in self.queue.drain():
            ticket.reject("the service was stopped before the event's turn came")
        await self.pool.finish(seconds)
        for ticket in list(self._open):
            ticket.fail("the service was stopped")
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def until_stopped(
        self,
        socket: Path,
        is_there: Callable[[], bool],
        *,
        is_permanent: Callable[[], bool],
    ) -> None:
        """Wait for a stop request, for the idle time to pass, or for our socket to be removed."""
        while not self.stopping.is_set():
            self._write_patience(socket)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), POLL_SECONDS)
            if why := self._why_end(socket, is_there, permanent=is_permanent()):
                log.info("ending: %s", why)
                self.stopping.set()

    def _write_patience(self, socket: Path) -> None:
        """Write the file that tells hooks how long to wait for us."""
        wait, monitors = self.config.waits()
        text = patience_text(wait, self.silence(), monitors)
        if text == self._patience:
            return
        with contextlib.suppress(OSError):
            atomic.write(patience_path(socket), text.encode(), 0o664)
            self._patience = text

    def silence(self) -> float:
        """Return the seconds of silence after which a hook gives us up."""
        share = self.config.shortest_deadline() * SILENCE_SHARE
        return max(SHORTEST_SILENCE, min(SILENCE, round(share, 2)))

    def beat(self) -> float:
        """Return the seconds between two signs of life for those who wait for an answer."""
        return self.silence() / BEATS

    def _why_end(self, socket: Path, is_there: Callable[[], bool], *, permanent: bool) -> str:
        service = self._service()
        if not service.use_service:
            return "[service] use_service is no"
        if not is_there():
            return f"{socket} has been removed"
        if not permanent and 0 < service.service_idle_exit <= self._idle_seconds():
            return f"no event for {service.service_idle_exit:g} s"
        return ""

    def is_ready(self) -> bool:
        """Say whether a worker could take an event now or soon."""
        return not self.stopping.is_set() and any(slot.can_serve for slot in self.pool.slots)

    def not_in_force(self) -> list[str]:
        """Return the edited keys that need a restart, as one line, or nothing."""
        now = self._service()
        keys = [key for key in AT_START if getattr(now, key) != getattr(self._started_with, key)]
        if not keys:
            return []
        return [f"[service] {', '.join(keys)}: changed, and in force after zmhook service restart"]

    def _idle_seconds(self) -> float:
        return 0.0 if self._open else time.monotonic() - self.last_asked

    def _ticket(self, event: Event) -> EventTicket:
        settings = self.config.current().for_monitor(event.monitor_id)
        fetcher = Fetcher(event, settings, frame_ids(settings), self._threads)
        return EventTicket(event, settings, self.fingerprint.of(settings), fetcher)

    def _put(self, ticket: AnyTicket) -> bool:
        """Queue a ticket; return False when it was refused for want of room."""
        refused = self.queue.put(ticket)
        if refused:
            self.stats.refused += 1
            waiting = self.queue.size
            refused.reject(f"refused: {waiting} events wait already ([service] service_queue)")
            log.warning("%s was refused: %d events wait already", refused, waiting)
        return refused is not ticket

    async def _prepare(self, ticket: AnyTicket) -> None:
        """Let a worker take the ticket as soon as one could begin with it."""
        try:
            await ticket.prepare()
            await self.queue.ready(ticket)
            await ticket.closed()
        finally:
            await ticket.close()

    def _forget(self, ticket: AnyTicket) -> None:
        """Remove a ticket whose caller has disconnected."""
        self.queue.remove(ticket)
        self.stats.dropped += 1
        log.info("%s: dropped, its caller has gone", ticket)
        ticket.drop()

    def _slot(self, service: Service, rank: int) -> Slot:
        return Slot(
            self.queue,
            self.stats,
            self.log_relay,
            self._first,
            rank=rank,
            threads=functools.partial(self._threads_for, rank),
            max_rss_mb=service.worker_max_rss,
            idle_unload=service.model_idle_unload,
        )

    def _threads_for(self, rank: int) -> int:
        """Return how many threads the worker of this rank gives to the event it takes now.

        Workers with one thread each get more done than fewer with several; but an event that
        comes alone should not leave the other cores idle. It goes to the first worker, which
        keeps the model ready for both.
        """
        threads = self._service().service_threads
        if threads:
            return threads
        others = [slot for slot in self.pool.slots if slot.rank != rank and slot.ticket]
        is_alone = rank == 0 and not others and not len(self.queue)
        return min(MOST_THREADS, _cores()) if is_alone else 1

    def _first(self) -> tuple[Settings, str]:
        """Return what a fresh worker loads at once: the chain of most monitors."""
        settings = self.config.current().general
        return settings, self.fingerprint.of(settings)

    def _service(self) -> Service:
        return self.config.current().general.service


def local(settings: Settings) -> Settings:
    """Return the settings with every model on this machine, so that no request is passed on."""
    return structs.replace(settings, remote=structs.replace(settings.remote, ml_gateway=()))


def _workers(service: Service) -> int:
    return service.service_workers or _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0))
