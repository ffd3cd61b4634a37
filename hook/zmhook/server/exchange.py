"""One connection of another machine: requests come, answers go, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs

import h11

from zmhook.net.http_server import WRITE_TIMEOUT, Response, write

CHUNK = 256 * 1024
LARGEST_HEAD = 16 * 1024
HEAD_SECONDS = 5.0
IDLE_SECONDS = 60.0
"""A connection without a request is closed after this."""
STALL_SECONDS = 10.0
"""Nothing came for so long in the middle of a body."""
GRACE_SECONDS, LEAST_RATE = 10.0, 64 * 1024
"""A body may take this long, and a second more for each so many bytes."""
LINGER_SECONDS, LINGER_BYTES = 2.0, 64 * 1024 * 1024
"""What is still read of a request that was refused: who is writing reads no answer until then."""
PIECE = 64 * 1024
TURN_SECONDS = 0.01
"""For which one connection may keep all others waiting."""
MOST_PIECES, LEAST_PIECE = 1000, 256
"""A body may come in so many pieces (chunks), and in one more for each so many bytes."""
MOST_AHEAD = 64 * 1024
MOST_FIELDS = 20


class Refused(Exception):
    """The request is answered by an error and the connection ends; `status` is HTTP's."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        self.why = why
        super().__init__(why)


class Sink(Protocol):
    """Takes a request's body as it comes; may raise `Refused`."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


class Caller(Protocol):
    """The connection that a request came by."""

    def client(self, forwarded: str) -> str:
        """Return who asks, where a proxy may have passed it on."""

    def log_in(self) -> None: ...

    def become_stranger(self) -> None: ...


class Unknown:
    """A caller of whom nothing is noted."""

    def client(self, forwarded: str) -> str:
        return forwarded

    def log_in(self) -> None:
        """Note nothing."""

    def become_stranger(self) -> None:
        """Note nothing."""


class Asked(NamedTuple):
    """A request without its body. The names of the headers are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    peer: str
    caller: Caller = Unknown()

    @property
    def length(self) -> int | None:
        """The bytes of the body; None when only its end will tell."""
        if "transfer-encoding" in self.headers:
            return None
        return int(self.headers.get("content-length", "0"))

    def one(self, name: str) -> str:
        """Return a value of the query, or nothing."""
        try:
            found = parse_qs(self.query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise Refused(400, f"the query cannot be read ({error})") from None
        return found.get(name, [""])[0]


class Exchange:
    """Reads requests and writes answers, within limits of time and size."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, caller: Caller
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._caller = caller
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self._is_head = False
        self._turn = time.monotonic()

    async def idle(self) -> None:
        """Wait for the beginning of the next request, or for the caller to leave."""
        if not self._connection.trailing_data[0]:
            await asyncio.wait_for(self._more(), IDLE_SECONDS)

    async def asked(self) -> Asked | None:
        """Return the next request's head, None when the caller has left."""
        event = await asyncio.wait_for(self._event(), HEAD_SECONDS)
        if not isinstance(event, h11.Request):
            return None
        path, _, query = event.target.decode("ascii", "replace").partition("?")
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
        method = event.method.decode("ascii")
        self._is_head = method == "HEAD"
        peer = self._caller.client(headers.get("x-forwarded-for", ""))
        return Asked(method, path, query, headers, peer, self._caller)

    async def body(self, sink: Sink, most: int) -> None:
        """Pour the body into `sink`; raises `Refused` for one that is too long or too slow."""
        if self._connection.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._writer.write(self._connection.send(go_on) or b"")
        started, size, pieces = time.monotonic(), 0, 0
        while True:
            try:
                event = await asyncio.wait_for(self._event(), STALL_SECONDS)
            except asyncio.TimeoutError:
                raise Refused(408, f"nothing came for {STALL_SECONDS:g} s") from None
            if isinstance(event, h11.Data):
                size += len(event.data)
                if size > most:
                    raise Refused(413, too_long(most))
                pieces += 1
                if pieces > MOST_PIECES + size // LEAST_PIECE:
                    raise Refused(400, "the request comes in too small chunks")
                await self._pour(bytes(event.data), sink)
            elif isinstance(event, h11.EndOfMessage):
                sink.finish()
                return
            else:
                raise ConnectionResetError
            if time.monotonic() - started > GRACE_SECONDS + size / LEAST_RATE:
                raise Refused(408, "the request comes too slowly")

    async def _pour(self, data: bytes, sink: Sink) -> None:
        """Feed the sink piece by piece; others have their turn when it takes its time."""
        for start in range(0, len(data), PIECE):
            sink.feed(data[start : start + PIECE])
            if time.monotonic() - self._turn > TURN_SECONDS:
                await asyncio.sleep(0)
                self._turn = time.monotonic()

    async def skip_nothing(self, asked: Asked) -> None:
        """Get past the end of a request without a body, so that another may follow."""
        if asked.length == 0:
            await self._event()

    @property
    def is_read(self) -> bool:
        """Whether the request has come to its end."""
        return self._connection.their_state is h11.DONE

    async def left(self) -> None:
        """Return when the caller has left. What it says ahead is kept for the next request."""
        ahead = 0
        with contextlib.suppress(OSError):
            while count := await self._more():
                ahead += count
                if ahead > MOST_AHEAD:
                    await asyncio.Event().wait()

    async def answer(self, response: Response, *, is_last: bool) -> bool:
        """Send the answer; say whether another request may follow."""
        sending = write(
            self._connection, self._writer, response, is_last=is_last, is_head=self._is_head
        )
        await asyncio.wait_for(sending, WRITE_TIMEOUT)
        if self._connection.our_state is not h11.DONE or not self.is_read:
            return False
        self._connection.start_next_cycle()
        return True

    async def linger(self) -> None:
        """Let somebody who is still writing find our answer before the connection ends."""
        if self._connection.their_state in (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.IDLE):
            return
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            if self._writer.can_write_eof():
                self._writer.write_eof()
            await asyncio.wait_for(self._drain(), LINGER_SECONDS)

    async def _drain(self) -> None:
        left = LINGER_BYTES
        while left > 0 and (data := await self._reader.read(CHUNK)):
            left -= len(data)

    async def _event(self) -> object:
        while True:
            event = self._connection.next_event()
            if event is not h11.NEED_DATA:
                return event
            await self._more()

    async def _more(self) -> int:
        """Read what comes; return how much, 0 at the end."""
        data = await self._reader.read(CHUNK)
        self._turn = time.monotonic()
        self._connection.receive_data(data)
        return len(data)


def too_long(most: int) -> str:
    return f"at most {most} bytes are taken ([service] listen_max_upload)"
