"""An HTTP/1.1 server for other machines: connections stay open, and everything has a bound."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import h11

from zmhook.net.http_server import HangUp, Response, closed
from zmhook.server.exchange import CHUNK, Asked, Exchange, Refused, Sink, too_long
from zmhook.text.unexpected import BUG, logged

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator

    from zmhook.server.connections import Connection, Connections

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 5.0
LAST_SECONDS = 1.0
"""For those that were hung up on to end."""
MOST_REQUESTS = 10_000
"""Of one connection."""
ROOM_SECONDS = 5.0
"""An upload waits this long for others to be done with, then it is told to come again."""


class Admitted(NamedTuple):
    """Where a request's body goes, how long it may be, and what answers when it is there."""

    sink: Sink
    most: int
    answer: Callable[[], Awaitable[Response]]


class Door(Protocol):
    """Decides by a request's head; what it refuses is not read."""

    def admit(self, asked: Asked) -> Admitted | Response: ...

    def refuse(self, asked: Asked | None, status: int, why: str) -> Response: ...


class Room:
    """The bytes that all uploads may hold together. Not fair: a small one may slip in."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Hold room while the `with` lasts; raises `Refused` (503) when none comes free."""
        size = min(size, self.most)
        async with self._changed:
            free = self._changed.wait_for(lambda: self.used + size <= self.most)
            try:
                await asyncio.wait_for(free, ROOM_SECONDS)
            except asyncio.TimeoutError:
                raise Refused(503, "too many uploads at the same time") from None
            self.used += size
        try:
            yield
        finally:
            self.used -= size
            # Under a lock that somebody else may hold just now, and must not wait for.
            waking = asyncio.ensure_future(self._wake())
            await asyncio.shield(waking)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class Server:
    """Serves connections, which `connections` counts from the moment that they are accepted."""

    def __init__(self, door: Door, room: Room, connections: Connections) -> None:
        self._door = door
        self._room = room
        self._connections = connections
        self._waiting: set[asyncio.Task[None] | None] = set()
        self._is_ending = False

    def accepted(
        self, accepted: socket.socket, address: str, context: ssl.SSLContext | None
    ) -> None:
        """Serve a connection when there is room for it."""
        connection = None if self._is_ending else self._connections.enter(accepted, address)
        if connection is None:
            accepted.close()
            return
        serving = self._open(accepted, connection, context)
        connection.task = asyncio.get_running_loop().create_task(serving)

    async def _open(
        self, accepted: socket.socket, connection: Connection, context: ssl.SSLContext | None
    ) -> None:
        """Shake hands and serve; never raises."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(CHUNK, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None,
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            await self.serve(reader, writer, connection)
            await closed(writer)
        except (OSError, asyncio.CancelledError) as error:
            log.debug("%s: a connection ended early: %s", connection.address, error)
        finally:
            connection.leave()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        """Serve one connection until its end."""
        task = asyncio.current_task()
        try:
            if task:
                await self._serve(Exchange(reader, writer, connection), task)
        except (OSError, asyncio.TimeoutError, HangUp, EOFError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            self._waiting.discard(task)
            writer.close()

    async def finish(self, seconds: float) -> None:
        """Let the answers under way go out, for at most `seconds`."""
        self._is_ending = True
        for task in filter(None, self._waiting):
            task.cancel()
        tasks = [one.task for one in self._connections if one.task]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for connection in self._connections:
            connection.end()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_SECONDS)

    async def _serve(self, exchange: Exchange, task: asyncio.Task[None]) -> None:
        for number in range(MOST_REQUESTS):
            if number:
                self._waiting.add(task)
                await exchange.idle()
                self._waiting.discard(task)
            if not await self._one(exchange, is_last=number + 1 == MOST_REQUESTS):
                await exchange.linger()
                return

    async def _one(self, exchange: Exchange, *, is_last: bool) -> bool:
        """Answer one request; say whether another may follow."""
        asked = None
        try:
            asked = await exchange.asked()
            if asked is None:
                return False
            response = await self._answer(exchange, asked)
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint or 400
            return await exchange.answer(self._door.refuse(asked, status, str(error)), is_last=True)
        except Refused as error:
            refusal = self._door.refuse(asked, error.status, error.why)
            return await exchange.answer(refusal, is_last=True)
        except (OSError, HangUp):
            raise
        except Exception as error:  # noqa: BLE001 - the details are not for strangers
            logged(log, error)
            refusal = self._door.refuse(asked, 500, BUG)
            return await exchange.answer(refusal, is_last=True)
        if response is None:
            return False
        is_last = is_last or self._is_ending or not exchange.is_read
        return await exchange.answer(response, is_last=is_last)

    async def _answer(self, exchange: Exchange, asked: Asked) -> Response | None:
        """Return the answer, None when the caller has left before it came."""
        admitted = self._door.admit(asked)
        if isinstance(admitted, Response):
            await exchange.skip_nothing(asked)
            return admitted
        size = admitted.most if asked.length is None else asked.length
        if size > admitted.most:
            raise Refused(413, too_long(admitted.most))
        async with self._room.of(size):
            await exchange.body(admitted.sink, admitted.most)
            return await _unless_left(admitted.answer(), exchange.left())


async def _unless_left(answer: Awaitable[Response], left: Awaitable[None]) -> Response | None:
    answering, leaving = asyncio.ensure_future(answer), asyncio.ensure_future(left)
    try:
        await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
        return await answering if answering.done() else None
    finally:
        for task in (answering, leaving):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, HangUp, Refused):
                await task
