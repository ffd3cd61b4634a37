"""A small HTTP/1.1 server for hooks and people, on asyncio streams and h11.

Made for callers that may be many, slow, silent or gone: connections, bytes and seconds are
bounded, and a handler learns when its caller has left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import socket
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import h11

from zmhook.net.peer import peer_of

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 1500
READ_TIMEOUT = 5.0
WRITE_TIMEOUT = 10.0
LARGEST_BODY = 256 * 1024
MOST_PIECES = 1000
CHUNK = 64 * 1024
BEAT = 0.75
"""Seconds between two signs of life, the first one included."""


class Request(NamedTuple):
    """One request: its method, path without the query, query and body.

    `peer` is the user who asks over a unix socket, as the kernel knows it.
    """

    method: str
    path: str
    query: str
    body: bytes
    peer: int | None = None


class Response(NamedTuple):
    """What to answer; `location` makes it a redirect, `headers` are further ones."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class HangUp(Exception):
    """Raised by a handler that wants the connection closed without an answer."""


Handler = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Answers one request a connection by `handler`, which is cancelled when the caller leaves.

    Who has to wait gets a sign of life (102 Processing) each time that the seconds which `beat`
    returns have passed: from the event loop, so that one which hangs gives none.
    """

    def __init__(self, handler: Handler, beat: Callable[[], float] = lambda: BEAT) -> None:
        self._handler = handler
        self._beat = beat
        self._connections: set[asyncio.Task[None]] = set()
        self._reading: dict[asyncio.Task[None], None] = {}  # the oldest first

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, as asyncio's start_server calls it."""
        task = asyncio.current_task()
        if task is None or not self._has_room():
            writer.transport.abort()
            return
        self._connections.add(task)
        self._reading[task] = None
        try:
            await self._serve(reader, writer)
            writer.close()
            await closed(writer)
        except (OSError, asyncio.TimeoutError, HangUp, asyncio.CancelledError):
            # Cancelled by `_has_room` or `finish`; asyncio would call it an error of ours.
            writer.transport.abort()
        finally:
            writer.close()
            self._reading.pop(task, None)
            self._connections.discard(task)

    def _has_room(self) -> bool:
        """Say whether there is room for one more; who has not asked yet may have to make it."""
        if len(self._connections) < min(MOST_CONNECTIONS, _most_by_files()):
            return True
        silent = next(iter(self._reading), None)
        if silent is None:
            return False
        del self._reading[silent]
        self._connections.discard(silent)
        silent.cancel()
        return True

    async def finish(self, seconds: float) -> None:
        """Let the answers under way go out, for at most `seconds`."""
        if self._connections:
            await asyncio.wait(self._connections, timeout=seconds)
        for task in self._connections:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=16 * 1024)
        try:
            request = await asyncio.wait_for(_read(connection, reader), READ_TIMEOUT)
            if request is None:
                return
            if task := asyncio.current_task():
                self._reading.pop(task, None)
            request = request._replace(peer=_peer(writer))
            response = await self._answer(request, reader, lambda: _sign(connection, writer))
            if response is not None and request.method == "HEAD":
                response = response._replace(body=b"")
        except h11.RemoteProtocolError as error:
            response = Response(error.error_status_hint, f"{error}\n".encode())
        if response is not None:
            await asyncio.wait_for(write(connection, writer, response), WRITE_TIMEOUT)

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, sign: Callable[[], None]
    ) -> Response | None:
        """Return the handler's response, or None when the caller has left before it came."""
        answering = asyncio.ensure_future(self._handler(request))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            while not (await _first_of(answering, leaving, self._beat())):
                sign()
            return await answering if answering.done() else None
        finally:
            for task in (answering, leaving):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, HangUp):
                    await task


def _most_by_files() -> int:
    """Return how many connections there may be by the open files that the process may have."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, most // 2) if most > 0 else MOST_CONNECTIONS


async def closed(writer: asyncio.StreamWriter) -> None:
    """Wait until what was written has gone out; who does not take it is hung up on."""
    try:
        await asyncio.wait_for(writer.wait_closed(), WRITE_TIMEOUT)
    except (OSError, asyncio.TimeoutError):
        writer.transport.abort()
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


def _peer(writer: asyncio.StreamWriter) -> int | None:
    connection = writer.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    with contextlib.suppress(OSError):
        return peer_of(connection).uid
    return None


async def _first_of(
    answering: asyncio.Future[Response], leaving: asyncio.Future[bytes], seconds: float
) -> bool:
    """Wait for either; False when neither came in so many seconds."""
    both: list[asyncio.Future[Any]] = [answering, leaving]
    done, _ = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


def _sign(connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
    writer.write(connection.send(h11.InformationalResponse(status_code=102, headers=[])) or b"")


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """Return the request, or None when the caller left without one."""
    head: h11.Request | None = None
    body = bytearray()
    pieces = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            pieces += 1
            if pieces > MOST_PIECES:
                raise h11.RemoteProtocolError("the request comes in too small chunks")
            if len(body) > LARGEST_BODY:
                raise h11.RemoteProtocolError(
                    f"at most {LARGEST_BODY} bytes are taken", error_status_hint=413
                )
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            path, _, query = head.target.decode("ascii", "replace").partition("?")
            return Request(head.method.decode("ascii"), path, query, bytes(body))
        else:
            return None


async def write(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    response: Response,
    *,
    is_last: bool = True,
    is_head: bool = False,
) -> None:
    """Send the response; `is_last` says that the connection ends with it.

    Of the answer to a HEAD only the head is sent, as it would be with its body.
    """
    headers = [
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        *response.headers,
    ]
    if is_last:
        headers.append(("Connection", "close"))
    if response.location:
        headers.append(("Location", response.location))
    if connection.our_state in (h11.ERROR, h11.MUST_CLOSE, h11.CLOSED):
        return
    for event in (
        h11.Response(status_code=response.status, headers=headers),
        h11.Data(data=b"" if is_head else response.body),
        h11.EndOfMessage(),
    ):
        writer.write(connection.send(event) or b"")
    await writer.drain()
