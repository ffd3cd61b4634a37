"""A small HTTP/1.1 server on asyncio and h11, for a unix socket or TCP.

It is made for clients that may be many, slow, silent or gone: connections, bytes and seconds are
limited, and a handler is cancelled when its client has left. `connections` counts who is there,
`http_connection` speaks HTTP with one of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import h11

from zmhook.net.http_connection import (
    CHUNK,
    WRITE_SECONDS,
    BodyReader,
    CloseConnection,
    HttpConnection,
    HttpError,
    RawBody,
    Request,
    Response,
    too_long,
    within,
)
from zmhook.text.unexpected import BUG, logged

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator

    from zmhook.net.connections import ClientConnection, ConnectionTable

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 5.0
LAST_SECONDS = 1.0
"""For connections that were closed to end."""
MOST_REQUESTS = 10_000
"""Of one connection."""
BUDGET_SECONDS = 5.0
"""An upload waits this long for others to end, then it is told to come again."""
PAUSE = 0.1
"""Seconds without a further connection when the process can open no more files."""
LARGEST_BODY = 256 * 1024
"""Of a request to a `HandlerRouter`."""

Handler = Callable[[Request], Awaitable[Response]]


class PendingResponse(NamedTuple):
    """A response that needs the request's body first.

    `body` takes at most `limit` bytes, which `setting` raises; then `respond` answers.
    """

    body: BodyReader
    limit: int
    respond: Callable[[], Awaitable[Response]]
    setting: str = ""


class Router(Protocol):
    """Decides by a request's head. The body of what it refuses is not read."""

    def route(self, request: Request) -> PendingResponse | Response: ...

    def error_response(self, request: Request | None, status: int, message: str) -> Response: ...


class HandlerRouter:
    """Hands every request, with its small body, to one handler. Errors are plain text."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def route(self, request: Request) -> PendingResponse:
        body = RawBody()
        return PendingResponse(body, LARGEST_BODY, lambda: self._respond(request, body))

    async def _respond(self, request: Request, body: RawBody) -> Response:
        request.trust()  # it has asked, so it makes room for nobody
        return await self._handler(request._replace(body=bytes(body.data)))

    def error_response(self, _: Request | None, status: int, message: str) -> Response:
        return Response(status, f"{message}\n".encode())


class UploadBudget:
    """Limits the bytes that all uploads hold together. Not fair: a small one may slip in."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self._changed = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def reserve(self, size: int) -> AsyncIterator[None]:
        """Hold so many bytes while the `with` lasts; raises `HttpError` (503) without room."""
        size = min(size, self.most)
        async with self._changed:
            free = self._changed.wait_for(lambda: self.used + size <= self.most)
            try:
                await asyncio.wait_for(free, BUDGET_SECONDS)
            except asyncio.TimeoutError:
                raise HttpError(503, "too many uploads at the same time") from None
            self.used += size
        try:
            yield
        finally:
            self.used -= size
            # Somebody else may hold the lock just now, and releasing must not wait for it.
            waking = asyncio.ensure_future(self._wake())
            await asyncio.shield(waking)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


class HttpServer:
    """Serves connections, which `connections` counts from the moment that they are accepted.

    With `beat` a client that waits gets a sign of life (102 Processing) each time that the seconds
    it returns have passed: from the event loop, so that one which hangs gives none.
    """

    def __init__(
        self,
        router: Router,
        connections: ConnectionTable,
        *,
        budget: UploadBudget | None = None,
        beat: Callable[[], float | None] = lambda: None,
        most_requests: int = MOST_REQUESTS,
    ) -> None:
        self._router = router
        self._connections = connections
        self._budget = budget
        self._beat = beat
        self._most_requests = most_requests
        self._idle: set[asyncio.Task[None] | None] = set()
        self._is_ending = False

    async def accept(
        self,
        listening: socket.socket,
        name: object,
        context: Callable[[], ssl.SSLContext | None] = lambda: None,
    ) -> None:
        """Accept connections until cancelled. Others have their turn between any two."""
        loop = asyncio.get_running_loop()
        is_failing = False
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                if not is_failing and not isinstance(error, ConnectionError):
                    log.warning("%s: cannot accept connections: %s", name, error)
                    is_failing = True
                self._connections.make_room()
                await asyncio.sleep(PAUSE)
                continue
            is_failing = False
            self.serve(accepted, address[0] if isinstance(address, tuple) else "", context())
            await asyncio.sleep(0)

    def serve(
        self, accepted: socket.socket, address: str, context: ssl.SSLContext | None = None
    ) -> None:
        """Begin to serve a connection if there is room for it."""
        connection = None if self._is_ending else self._connections.add(accepted, address)
        if connection is None:
            accepted.close()
            return
        serving = self._open(accepted, connection, context)
        connection.task = asyncio.get_running_loop().create_task(serving)

    async def finish(self, seconds: float) -> None:
        """Let the responses under way go out, for at most `seconds`."""
        self._is_ending = True
        for task in filter(None, self._idle):
            task.cancel()
        tasks = [connection.task for connection in self._connections if connection.task]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for connection in self._connections:
            connection.end()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_SECONDS)

    async def _open(
        self, accepted: socket.socket, client: ClientConnection, context: ssl.SSLContext | None
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
            await self._serve(HttpConnection(reader, writer, client), writer)
            await _flushed(writer)
        except (OSError, asyncio.CancelledError) as error:
            log.debug("%s: a connection ended early: %s", client.address, error)
        finally:
            client.leave()

    async def _serve(self, connection: HttpConnection, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until its end."""
        task = asyncio.current_task()
        try:
            await self._answer_all(connection, task)
        except (OSError, asyncio.TimeoutError, CloseConnection, EOFError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            self._idle.discard(task)
            writer.close()

    async def _answer_all(
        self, connection: HttpConnection, task: asyncio.Task[None] | None
    ) -> None:
        for number in range(1, self._most_requests + 1):
            if number > 1:
                self._idle.add(task)
                await connection.wait_for_data()
                self._idle.discard(task)
            if not await self._answer_one(connection, is_last=number == self._most_requests):
                await connection.linger()
                return

    async def _answer_one(self, connection: HttpConnection, *, is_last: bool) -> bool:
        """Answer one request; return whether another may follow."""
        request = None
        try:
            request = await connection.read_head()
            if request is None:
                return False
            response = await self._respond(connection, request)
        except (OSError, asyncio.TimeoutError, CloseConnection):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, others are served
            refusal = self._router.error_response(request, *_error_of(error))
            return await connection.send(refusal, is_last=True)
        if response is None:
            return False
        is_last = is_last or self._is_ending or not connection.is_read
        return await connection.send(response, is_last=is_last)

    async def _respond(self, connection: HttpConnection, request: Request) -> Response | None:
        """Return the response, None when the client has left before it came."""
        pending = self._router.route(request)
        if isinstance(pending, Response):
            await connection.skip_empty_body(request)
            return pending
        size = pending.limit if request.length is None else request.length
        if size > pending.limit:
            raise too_long(pending.limit, pending.setting)
        async with self._budget.reserve(size) if self._budget else contextlib.nullcontext():
            await connection.read_body(pending.body, pending.limit, pending.setting)
            return await self._unless_left(connection, pending.respond())

    async def _unless_left(
        self, connection: HttpConnection, respond: Awaitable[Response]
    ) -> Response | None:
        responding = asyncio.ensure_future(respond)
        leaving = asyncio.ensure_future(connection.wait_until_left())
        try:
            while not (await _first_of(responding, leaving, self._beat())):
                connection.send_sign_of_life()
            return await responding if responding.done() else None
        finally:
            for task in (responding, leaving):
                task.cancel()
                with contextlib.suppress(
                    asyncio.CancelledError, OSError, CloseConnection, HttpError
                ):
                    await task


def _error_of(error: Exception) -> tuple[int, str]:
    """Return the status and message of an error response. Bugs are logged, not shown."""
    if isinstance(error, HttpError):
        return error.status, error.message
    if isinstance(error, h11.RemoteProtocolError):
        return error.error_status_hint or 400, str(error)
    logged(log, error)
    return 500, BUG


async def _first_of(
    responding: asyncio.Future[Response], leaving: asyncio.Future[None], seconds: float | None
) -> bool:
    """Wait for either; False when neither came in so many seconds."""
    both: list[asyncio.Future[Response] | asyncio.Future[None]] = [responding, leaving]
    done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """Wait until what was written has gone out; abort when the client does not take it."""
    try:
        await within(WRITE_SECONDS, writer.wait_closed())
    except (OSError, asyncio.TimeoutError):
        writer.transport.abort()
    except asyncio.CancelledError:
        writer.transport.abort()
        raise
