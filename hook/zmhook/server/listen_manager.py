"""Keep listening as the settings say: the address may appear, change and disappear."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from zmhook.text.unexpected import logged

if TYPE_CHECKING:
    from zmhook.server.listener import Listener
    from zmhook.service.supervisor import Supervisor

log = logging.getLogger(__name__)

CHECK_SECONDS = 0.5
"""Between two checks for changed settings."""
RETRY_SECONDS = 10.0
"""After which an address that could not be opened is tried again."""
LAST_ANSWERS = 5.0
"""For the responses under way at an address that is closed."""


class ListenManager:
    """Opens and closes the listener; `address` replaces `[service] listen`.

    An address that cannot be opened does not keep the service from serving this machine: it is a
    problem that `zmhook service status` shows, and is tried again.
    """

    def __init__(self, supervisor: Supervisor, address: str = "") -> None:
        self._supervisor = supervisor
        self._fixed_address = address
        self._listener: Listener | None = None
        self._address = ""
        self._problem = ""
        self._tried = 0.0
        self._task: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_enabled(self) -> bool:
        """Whether other machines are served; such a service does not end when idle."""
        return bool(self._address)

    @property
    def listener(self) -> Listener | None:
        return self._listener

    @property
    def problems(self) -> list[str]:
        problems = [self._problem]
        if self._listener:
            problems += [self._listener.problem, self._listener.access.problem]
        return [problem for problem in problems if problem]

    async def start(self) -> None:
        """Listen, and apply the settings when they change."""
        await self.apply_settings()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def close(self) -> None:
        """Take no further connections."""
        if self._task:
            self._task.cancel()
        if self._listener:
            self._listener.close()

    async def finish(self, seconds: float) -> None:
        """Let the responses under way go out, for at most `seconds`."""
        if self._task:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._listener:
            await self._listener.finish(seconds)
        if self._ending:
            await asyncio.wait(self._ending, timeout=seconds)

    async def apply_settings(self) -> None:
        """Listen as the settings say now."""
        address = self._fixed_address or self._supervisor.config.current().general.service.listen
        if address != self._address:
            await self._move(address)
        elif address and not self._listener and self._now() - self._tried >= RETRY_SECONDS:
            await self._open(address)
        elif self._listener:
            self._listener.reload()

    async def _move(self, address: str) -> None:
        """Listen at another address, or at none."""
        self._address = address
        self._problem = ""
        before, self._listener = self._listener, None
        if before:
            before.close()  # first: the new address may be a part of the old one
            log.info("no longer listening on %s", before.address)
            ending = asyncio.get_running_loop().create_task(before.finish(LAST_ANSWERS))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        if address:
            await self._open(address)

    async def _open(self, address: str) -> None:
        from zmhook.server.listener import CannotListenError, listen

        self._tried = self._now()
        try:
            self._listener = await listen(address, self._supervisor)
        except CannotListenError as error:
            if str(error) != self._problem:
                log.error("%s; nothing is listened on", error)  # noqa: TRY400
            self._problem = str(error)
        else:
            self._problem = ""

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.apply_settings()
            except Exception as error:  # noqa: BLE001 - it must go on whatever happens
                logged(log, error)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
