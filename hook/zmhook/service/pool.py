"""Run the workers: each slot keeps one process alive and feeds it from the queue."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.service.wire import LoadModels, LogLine, Ready
from zmhook.service.worker_process import WorkerDied, WorkerProcess
from zmhook.settings.model import to_plain
from zmhook.text.unexpected import lacks_resources, logged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Any

    from zmhook.service.queue import AnyTicket, FairQueue
    from zmhook.service.stats import Stats
    from zmhook.service.worker_process import LogRelay
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

TRIES = 2
"""An event whose worker crashes is tried once more in a fresh one."""
HANG_GRACE = 1.0
"""Seconds past an event's deadline after which its worker is taken for hung."""
LONGEST_BACK_OFF = 30.0
LONGEST_LOAD = 120.0
"""Seconds after which a worker that loads its first models is taken for hung."""
CANCELS, CANCEL_AGAIN = 20, 0.5
"""How often a task is told to end, and seconds between."""


class Slot:
    """A slot for one worker process.

    `first` returns the settings and the fingerprint whose models a fresh worker loads at once. Of
    the idle slots the one with the smallest `rank` gets the next event; `threads` returns how many
    an event gets where the settings leave them open.
    """

    def __init__(
        self,
        queue: FairQueue,
        stats: Stats,
        log_relay: LogRelay,
        first: Callable[[], tuple[Settings, str]],
        *,
        rank: int,
        threads: Callable[[], int],
        max_rss_mb: float,
        idle_unload: float,
    ) -> None:
        self.queue = queue
        self.stats = stats
        self.log_relay = log_relay
        self.first = first
        self.rank = rank
        self.threads = threads
        self.max_rss_mb = max_rss_mb
        self.idle_unload = idle_unload
        self.worker: WorkerProcess | None = None
        self.ticket: AnyTicket | None = None
        self.models: list[str] = []
        self.rss_mb = 0.0
        self.idle = asyncio.Event()
        self.idle.set()
        self._deaths = 0

    @property
    def can_serve(self) -> bool:
        """Whether it has a worker, or would start one for the next event rather than back off.

        One that has given its models' memory back can.
        """
        return self.worker is not None or self._deaths == 0

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._survive(self._start)
        while True:
            ticket = await self._next()
            if not ticket.is_open:
                continue
            self.ticket = ticket
            self.idle.clear()
            await self._survive(functools.partial(self._serve, ticket))
            self.ticket = None
            self.idle.set()
            await self._replace_if_grown()

    async def stop(self) -> None:
        if self.worker:
            worker, self.worker = self.worker, None
            self.models, self.rss_mb = [], 0.0
            await worker.stop()

    async def _next(self) -> AnyTicket:
        """Wait for an event; unload the models when none comes for long."""
        waiting = asyncio.ensure_future(self.queue.get(self.rank))
        try:
            if self.worker and self.idle_unload:
                done, _ = await asyncio.wait([waiting], timeout=self.idle_unload)
                if not done:
                    log.info("no event for %g s: unloading the models", self.idle_unload)
                    await self.stop()
            return await waiting
        except asyncio.CancelledError:
            waiting.cancel()
            raise

    async def _survive(self, doing: Callable[[], Awaitable[None]]) -> None:
        """Do something with the worker; when it dies, clean up, count it and back off."""
        try:
            await doing()
            self._deaths = 0
        except WorkerDied as death:
            await self._buried(str(death), death)
        except asyncio.CancelledError:
            if self.worker:
                self.worker.kill()
            raise
        except Exception as error:  # noqa: BLE001 - it may cost a worker, but not the slot
            await self._buried(f"because of this: {logged(log, error)}", error)

    async def _start(self) -> None:
        self.worker = WorkerProcess()
        await self.worker.start()
        settings, fingerprint = self.first()
        await self.worker.send(LoadModels(self._plain(settings, self.threads()), fingerprint))
        try:
            await asyncio.wait_for(self._until_ready(), LONGEST_LOAD)
        except asyncio.TimeoutError:
            raise WorkerDied("because it hung while it loaded its models") from None

    async def _serve(self, ticket: AnyTicket) -> None:
        ticket.tries += 1
        await self._bury_the_idle()
        if self.worker is None:
            await self._start()
        if self.worker is None:
            raise WorkerDied("it was not started")
        job = await ticket.job(self._plain(ticket.settings, self.threads()))
        if not ticket.is_open:
            return
        await self.worker.send(job)
        try:
            await asyncio.wait_for(self._until_ready(ticket), ticket.left() + HANG_GRACE)
        except asyncio.TimeoutError:
            self.worker.kill()
            raise WorkerDied("because it hung past the event's deadline") from None
        finally:
            ticket.release()

    @staticmethod
    def _plain(settings: Settings, threads: int) -> dict[str, Any]:
        if settings.yolo.yolo_threads:
            return to_plain(settings)
        yolo = structs.replace(settings.yolo, yolo_threads=threads)
        return to_plain(structs.replace(settings, yolo=yolo))

    async def _bury_the_idle(self) -> None:
        """Remove a worker that ended between events, so that the next event is not blamed."""
        if self.worker and self.worker.has_ended:
            log.error("a worker ended between events")
            self.stats.restarts += 1
            await self.stop()

    async def _until_ready(self, ticket: AnyTicket | None = None) -> None:
        if self.worker is None:
            raise WorkerDied("it was not started")
        while True:
            message = await self.worker.receive()
            if isinstance(message, Ready):
                self.rss_mb, self.models = message.rss_mb, message.models
                return
            if isinstance(message, LogLine):
                self.log_relay(message, ticket.monitor_id if ticket else None)
            elif ticket and (reply := await ticket.receive(message)):
                await self.worker.send(reply)

    async def _buried(self, how: str, error: Exception) -> None:
        self._deaths += 1
        self.stats.restarts += 1
        ticket, self.ticket = self.ticket, None
        log.error("a worker ended %s%s", how, f" during {ticket}" if ticket else "")
        if self.worker:
            self.worker.kill()
            await self.stop()
        if ticket and ticket.is_open:
            ticket.lacks_resources |= lacks_resources(error)
            await self._again(ticket, how)
        await asyncio.sleep(self._back_off())

    async def _again(self, ticket: AnyTicket, how: str) -> None:
        if ticket.tries < TRIES and ticket.left() > 0:
            self.queue.put(ticket, again=True)
            await self.queue.ready(ticket)
        else:
            ticket.fail(f"the model process ended {how}, {ticket.tries} times")

    def _back_off(self) -> float:
        """Return 0 after the first death, so that its event is retried at once."""
        return 0.0 if self._deaths <= 1 else min(LONGEST_BACK_OFF, 0.25 * 2.0**self._deaths)

    async def _replace_if_grown(self) -> None:
        if self.worker and self.rss_mb > self.max_rss_mb:
            log.warning("a worker grew to %.0f MB and is replaced", self.rss_mb)
            self.stats.restarts += 1
            await self.stop()
            await self._survive(self._start)


class Pool:
    """All slots."""

    def __init__(self, slots: list[Slot]) -> None:
        self.slots = slots
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(slot.run()) for slot in self.slots]

    async def finish(self, seconds: float) -> None:
        """Let what is running end, for at most `seconds`; then end the workers."""
        busy = [slot.idle.wait() for slot in self.slots]
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.gather(*busy), seconds)
        await _cancel(self._tasks)
        await asyncio.gather(*(slot.stop() for slot in self.slots))


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the tasks, repeatedly, since `wait_for` may lose a cancellation before Python 3.12."""
    left = set(tasks)
    for _ in range(CANCELS):
        if not left:
            return
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN)
