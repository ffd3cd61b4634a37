"""One HTTP/1.1 connection of a server: read requests, write responses, within limits."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import parse_qs

import h11

from zmhook.net.connections import ClientConnection

CHUNK = 256 * 1024
LARGEST_HEAD = 16 * 1024
HEAD_SECONDS = 5.0
IDLE_SECONDS = 60.0
"""A connection without a request is closed after this."""
STALL_SECONDS = 10.0
"""The longest pause in the middle of a body."""
GRACE_SECONDS, LEAST_RATE = 10.0, 64 * 1024
"""A body may take this long, and a second more for each so many bytes."""
LINGER_SECONDS, LINGER_BYTES = 2.0, 64 * 1024 * 1024
"""How much of a refused request is still read: until then a client that writes reads nothing."""
PIECE = 64 * 1024
TURN_SECONDS = 0.01
"""How long one connection may keep all others waiting."""
MOST_PIECES, LEAST_PIECE = 1000, 256
"""A body may come in so many chunks, and in one more for each so many bytes."""
MOST_AHEAD = 64 * 1024
MOST_FIELDS = 20
WRITE_SECONDS = 10.0

Result = TypeVar("Result")


class HttpError(Exception):
    """Ends a request with an error response, and its connection; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


class CloseConnection(Exception):
    """Raised by a handler to close the connection without a response."""


class Request(NamedTuple):
    """A request. Header names are in lower case; `body` is empty where a `BodyReader` has it.

    `client` is the address it came from, `uid` the user who asks over a unix socket.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    client: str = ""
    uid: int | None = None
    connection: ClientConnection | None = None

    @property
    def length(self) -> int | None:
        """The bytes of the body; None when only its end tells."""
        if "transfer-encoding" in self.headers:
            return None
        return int(self.headers.get("content-length", "0"))

    def query_value(self, name: str) -> str:
        """Return a value of the query, or an empty text."""
        try:
            values = parse_qs(self.query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise HttpError(400, f"the query cannot be read ({error})") from None
        return values.get(name, [""])[0]

    def trust(self) -> None:
        """Note that this request's client may ask."""
        if self.connection:
            self.connection.trust()

    def distrust(self) -> None:
        """Note that this request's client may not ask (any more)."""
        if self.connection:
            self.connection.distrust()


class Response(NamedTuple):
    """A response; `location` makes it a redirect, `headers` are further ones."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    location: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class BodyReader(Protocol):
    """Takes a request's body piece by piece; may raise `HttpError`."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


class RawBody:
    """Keeps a small body as it is."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed(self, data: bytes) -> None:
        self.data += data

    def finish(self) -> None:
        """Have nothing left to do."""


class HttpConnection:
    """Reads requests from a stream and writes responses to it, one after the other."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: ClientConnection
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._client = client
        self._protocol = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self._is_head = False
        self._turn = time.monotonic()

    async def wait_for_data(self) -> None:
        """Wait for the beginning of the next request, or for the client to leave."""
        if not self._protocol.trailing_data[0]:
            await within(IDLE_SECONDS, self._receive())

    async def read_head(self) -> Request | None:
        """Return the next request without its body; None when the client has left."""
        event = await self._next_event(HEAD_SECONDS)
        if not isinstance(event, h11.Request):
            return None
        path, _, query = event.target.decode("ascii", "replace").partition("?")
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
        method = event.method.decode("ascii")
        self._is_head = method == "HEAD"
        client = self._client
        address = client.client_address(headers.get("x-forwarded-for", ""))
        return Request(method, path, query, headers, b"", address, client.uid, client)

    async def read_body(self, body: BodyReader, limit: int, setting: str = "") -> None:
        """Pass the body to `body`; raises `HttpError` when it is too long or comes too slowly."""
        if self._protocol.they_are_waiting_for_100_continue:
            self._send_informational(100)
        started, size, pieces = time.monotonic(), 0, 0
        while True:
            try:
                event = await self._next_event(STALL_SECONDS)
            except asyncio.TimeoutError:
                raise HttpError(408, f"nothing came for {STALL_SECONDS:g} s") from None
            if isinstance(event, h11.Data):
                size += len(event.data)
                if size > limit:
                    raise too_long(limit, setting)
                pieces += 1
                if pieces > MOST_PIECES + size // LEAST_PIECE:
                    raise HttpError(400, "the request comes in too small chunks")
                await self._feed(bytes(event.data), body)
            elif isinstance(event, h11.EndOfMessage):
                body.finish()
                return
            else:
                raise ConnectionResetError
            if time.monotonic() - started > GRACE_SECONDS + size / LEAST_RATE:
                raise HttpError(408, "the request comes too slowly")

    async def _feed(self, data: bytes, body: BodyReader) -> None:
        """Feed the reader piece by piece; others have their turn when it takes its time."""
        for start in range(0, len(data), PIECE):
            body.feed(data[start : start + PIECE])
            if time.monotonic() - self._turn > TURN_SECONDS:
                await asyncio.sleep(0)
                self._turn = time.monotonic()

    async def skip_empty_body(self, request: Request) -> None:
        """Get past the end of a request without a body, so that another may follow."""
        if request.length == 0:
            await self._next_event(STALL_SECONDS)

    @property
    def is_read(self) -> bool:
        """Whether the request has been read to its end."""
        return self._protocol.their_state is h11.DONE

    async def wait_until_left(self) -> None:
        """Return when the client has left. What it sends ahead is kept for the next request."""
        ahead = 0
        with contextlib.suppress(OSError):
            while count := await self._receive():
                ahead += count
                if ahead > MOST_AHEAD:
                    await asyncio.Event().wait()

    def send_sign_of_life(self) -> None:
        """Tell a waiting client that its request is being processed (102)."""
        self._send_informational(102)

    async def send(self, response: Response, *, is_last: bool) -> bool:
        """Send the response; return whether another request may follow."""
        await within(WRITE_SECONDS, self._write(response, is_last=is_last))
        if self._protocol.our_state is not h11.DONE or not self.is_read:
            return False
        self._protocol.start_next_cycle()
        return True

    async def linger(self) -> None:
        """Let a client that is still writing read our response before the connection ends."""
        if self._protocol.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.IDLE):
            return
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            if self._writer.can_write_eof():
                self._writer.write_eof()
            await within(LINGER_SECONDS, self._drain())

    async def _drain(self) -> None:
        left = LINGER_BYTES
        while left > 0 and (data := await self._reader.read(CHUNK)):
            left -= len(data)

    async def _write(self, response: Response, *, is_last: bool) -> None:
        """Write a response; for a HEAD request its head alone, as it would be with the body."""
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers,
        ]
        if is_last:
            headers.append(("Connection", "close"))
        if response.location:
            headers.append(("Location", response.location))
        if self._protocol.our_state in (h11.ERROR, h11.MUST_CLOSE, h11.CLOSED):
            return
        for event in (
            h11.Response(status_code=response.status, headers=headers),
            h11.Data(data=b"" if self._is_head else response.body),
            h11.EndOfMessage(),
        ):
            self._writer.write(self._protocol.send(event) or b"")
        await self._writer.drain()

    def _send_informational(self, status: int) -> None:
        event = h11.InformationalResponse(status_code=status, headers=[])
        self._writer.write(self._protocol.send(event) or b"")

    async def _next_event(self, seconds: float) -> object:
        """Return h11's next event; raises `asyncio.TimeoutError` when it is not there in time."""
        event = self._protocol.next_event()
        return await within(seconds, self._more()) if event is h11.NEED_DATA else event

    async def _more(self) -> object:
        """Read until there is an event."""
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            await self._receive()
        return event

    async def _receive(self) -> int:
        """Read what comes; return how much, 0 at the end."""
        data = await self._reader.read(CHUNK)
        self._turn = time.monotonic()
        self._protocol.receive_data(data)
        return len(data)


async def within(seconds: float, doing: Coroutine[Any, Any, Result]) -> Result:
    """Do as `asyncio.wait_for`, without the task that Python 3.11 makes for it each time."""
    if sys.version_info < (3, 11):
        return await asyncio.wait_for(doing, seconds)
    async with asyncio.timeout(seconds):
        return await doing


def too_long(limit: int, setting: str = "") -> HttpError:
    """Return the error for a body of more than `limit` bytes; `setting` raises that limit."""
    return HttpError(413, f"at most {limit} bytes are accepted{setting and f' ({setting})'}")
