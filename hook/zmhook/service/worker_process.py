"""Start a worker process, exchange messages with it, and write what it logs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from msgspec import MsgspecError

from zmhook.logs import Logs
from zmhook.process.environment import child_environment
from zmhook.service.wire import HEAD, LARGEST, Message, packed, unpacked

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from types import TracebackType

    from typing_extensions import Self

    from zmhook.service.config_watch import ConfigWatch
    from zmhook.service.wire import LogLine

STOP_TIMEOUT = 5.0


class WorkerDied(Exception):
    """The worker process has ended; the message says how."""


class WorkerProcess:
    """Starts with `start`; then messages go both ways until it ends or is ended."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.returncode is not None

    async def start(self) -> None:
        """Raise `WorkerDied` when the machine has no process or file to spare."""
        try:
            ours, theirs = socket.socketpair()
            with theirs:
                await self._start(ours, theirs.fileno())
        except OSError as error:
            raise WorkerDied(f"before it began ({error.strerror})") from None

    async def _start(self, ours: socket.socket, theirs: int) -> None:
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "zmhook.service.worker",
                str(os.getpid()),
                stdin=theirs,
                stdout=asyncio.subprocess.DEVNULL,
                cwd="/",
                env={**child_environment(), "OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError:
            ours.close()
            raise
        self._reader, self._writer = await asyncio.open_connection(sock=ours)

    async def send(self, message: Message) -> None:
        """Raise `WorkerDied` when nobody is there to take it."""
        if self._writer is None:
            raise WorkerDied("it was not started")
        try:
            self._writer.write(packed(message))
            await self._writer.drain()
        except OSError:
            raise WorkerDied(await self._how_it_ended()) from None

    async def receive(self) -> Message:
        """Raise `WorkerDied` when it ends, or sends what is no message, in place of answering."""
        if self._reader is None:
            raise WorkerDied("it was not started")
        try:
            (size,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
            if size > LARGEST:
                raise WorkerDied("it sent something that is no message")
            return unpacked(await self._reader.readexactly(size))
        except MsgspecError as error:
            raise WorkerDied(f"after a message that cannot be read ({error})") from None
        except (OSError, asyncio.IncompleteReadError):
            raise WorkerDied(await self._how_it_ended()) from None

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Close the connection, which ends an idle worker; kill it when that takes too long."""
        if self._process is None or self._writer is None:
            return
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        except asyncio.TimeoutError:
            self.kill()
            await self._process.wait()
        self._process = None

    async def _how_it_ended(self) -> str:
        if self._process is None:
            return "it was not started"
        try:
            code = await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        except asyncio.TimeoutError:
            self.kill()
            code = await self._process.wait()
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


class LogRelay:
    """Call it with a worker's record; a context manager that opens and closes the log."""

    def __init__(self, config: ConfigWatch, *, debug: bool = False) -> None:
        self._config = config
        self._debug = debug
        self._logger = logging.getLogger("zmhook.worker")

    def __enter__(self) -> Self:
        general = self._config.current().general
        self._logs = Logs(general, None, debug=self._debug, in_force=self._config.in_force)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._logs.close()

    def __call__(self, record: LogLine, monitor_id: int | None) -> None:
        """Write a worker's line as if it had been logged here."""
        made = logging.LogRecord(
            self._logger.name, record.level, record.path, record.line, record.text, None, None
        )
        made.monitor_id = monitor_id
        self._logger.handle(made)
