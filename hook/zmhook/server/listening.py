"""Answers other machines as the settings say now: the address may change and go, too."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from zmhook.text.unexpected import logged

if TYPE_CHECKING:
    from zmhook.server.tcp import Listener
    from zmhook.service.supervisor import Supervisor

log = logging.getLogger(__name__)

EVERY = 0.5
"""Seconds between two looks at what has changed."""
AGAIN = 10.0
"""Seconds after which an address that could not be had is tried again."""
LAST_ANSWERS = 5.0
"""For the answers under way at an address that is given up."""


class Listening:
    """What is listened on; `given` stands in place of `[service] listen`.

    An address that cannot be had is no reason not to serve this machine: it is a problem that
    `zmhook service status` shows, and is tried again.
    """

    def __init__(self, supervisor: Supervisor, given: str = "") -> None:
        self._supervisor = supervisor
        self._given = given
        self._listener: Listener | None = None
        self._wanted = ""
        self._problem = ""
        self._tried = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_wanted(self) -> bool:
        """Whether other machines are to be answered; such a service does not end when idle."""
        return bool(self._wanted)

    @property
    def listener(self) -> Listener | None:
        return self._listener

    @property
    def problems(self) -> list[str]:
        found = [self._problem]
        if self._listener:
            found += [self._listener.problem, self._listener.access.problem]
        return [one for one in found if one]

    async def start(self) -> None:
        """Listen, and go on as the settings change."""
        await self.follow()
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def close(self) -> None:
        """Take no further connections."""
        if self._task:
            self._task.cancel()
        if self._listener:
            self._listener.close()

    async def finish(self, seconds: float) -> None:
        """Let the answers under way go out, for at most `seconds`."""
        if self._task:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._listener:
            await self._listener.finish(seconds)
        if self._ending:
            await asyncio.wait(self._ending, timeout=seconds)

    async def follow(self) -> None:
        """Do what the settings say now."""
        wanted = self._given or self._supervisor.config.current().general.service.listen
        if wanted != self._wanted:
            await self._move(wanted)
        elif wanted and not self._listener and self._now() - self._tried >= AGAIN:
            await self._open(wanted)
        elif self._listener:
            self._listener.follow()

    async def _move(self, wanted: str) -> None:
        """Listen at another address, or at none."""
        self._wanted = wanted
        self._problem = ""
        before, self._listener = self._listener, None
        if before:
            before.close()  # first: the new address may be a part of the old one
            log.info("no longer listening on %s", before.address)
            ending = asyncio.get_running_loop().create_task(before.finish(LAST_ANSWERS))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        if wanted:
            await self._open(wanted)

    async def _open(self, wanted: str) -> None:
        from zmhook.server.tcp import CannotListenError, listen

        self._tried = self._now()
        try:
            self._listener = await listen(wanted, self._supervisor)
        except CannotListenError as error:
            if str(error) != self._problem:
                log.error("%s; nothing is listened on", error)  # noqa: TRY400
            self._problem = str(error)
        else:
            self._problem = ""

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.follow()
            except Exception as error:  # noqa: BLE001 - it must go on whatever happens
                logged(log, error)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
