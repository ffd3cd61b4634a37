"""A server for clients that may be many, slow, silent, rude or gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from zmhook.net import connections, http_connection, http_server
from zmhook.net.connections import ConnectionLimits, ConnectionTable
from zmhook.net.http_connection import CloseConnection, Request, Response
from zmhook.net.http_server import HandlerRouter, HttpServer

Talk = Callable[[bytes], Awaitable[bytes]]


class SmallServer:
    """A server on a free port, with what its handler was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.response = Response(200, b"hello\n")
        self.cancelled = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.hang_up = False
        self.limits = ConnectionLimits()
        self.beat: float | None = None
        self.connections = ConnectionTable(lambda: self.limits)
        self.http = HttpServer(
            HandlerRouter(self.handle),
            self.connections,
            beat=lambda: self.beat,
            most_requests=1,
        )

    async def handle(self, request: Request) -> Response:
        self.asked.append(request)
        if self.hang_up:
            raise CloseConnection
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.response

    async def __aenter__(self) -> SmallServer:  # noqa: PYI034 - Self needs typing_extensions here
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.accepting = asyncio.ensure_future(self.http.accept(self.listening, "test"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.accepting.cancel()
        self.listening.close()
        await self.http.finish(0.1)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *pieces: bytes) -> bytes:
        """Send the pieces one by one and return all that comes back."""
        reader, writer = await self.open()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


POST = b"POST /decide?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


def test_a_request_and_its_answer(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            answer = await place.say(POST + b"a=1&b")
            (request,) = place.asked
            assert request[:3] == ("POST", "/decide", "a=b")
            assert request.body == b"a=1&b"
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            assert b"connection: close" in head.lower()
            assert b"content-length: 6" in head.lower()
            assert body == b"hello\n"

    soon(run)


def test_a_request_in_many_pieces(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            whole = POST + b"a=1&b"
            pieces = [whole[i : i + 9] for i in range(0, len(whole), 9)]
            assert (await place.say(*pieces)).endswith(b"hello\n")
            assert place.asked[0].body == b"a=1&b"

    soon(run)


def test_chunks(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            await place.say(head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
            assert place.asked[0].body == b"abcde"

    soon(run)


def test_a_redirect_says_where_to(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.response = Response(302, location="http://nothing/")
            answer = await place.say(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 302 ")
            assert b"location: http://nothing/\r\n" in answer.lower()

    soon(run)


def test_head_has_no_body(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            answer = await place.say(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b"\r\n\r\n")

    soon(run)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\0\1\2\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01 a TLS hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x" * 100_000,
    ],
)
def test_nonsense_is_refused(soon, nonsense: bytes) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            assert (await place.say(nonsense)).startswith(b"HTTP/1.1 4")
            assert place.asked == []
            assert (await place.say(POST + b"12345")).endswith(b"hello\n")

    soon(run)


def test_a_body_has_an_end(soon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "LARGEST_BODY", 1000)

    async def run() -> None:
        async with SmallServer() as place:
            head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            assert (await place.say(head % 1000 + b"x" * 1000)).endswith(b"hello\n")
            assert b"413" in (await place.say(head % 1001 + b"x" * 1001))[:20]
            assert len(place.asked) == 1

    soon(run)


@pytest.mark.parametrize("said", [b"", b"GET / HT", POST, POST + b"1234"])
def test_who_says_nothing_more_is_hung_up_on(
    soon, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(connections, "UNTRUSTED_SECONDS", 0.1)

    async def run() -> None:
        async with SmallServer() as place:
            assert await place.say(said) == b""
            assert place.asked == []
            assert not len(place.connections)

    soon(run)


def test_who_leaves_cancels_the_handler(soon, until) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.hold.clear()
            _, writer = await place.open()
            writer.write(POST + b"12345")
            await until(lambda: place.asked)
            writer.close()
            await until(lambda: place.cancelled)
            await until(lambda: not len(place.connections))

    soon(run)


def test_who_leaves_with_a_reset_does_so_too(soon, until) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.hold.clear()
            _, writer = await place.open()
            writer.write(POST + b"12345")
            await until(lambda: place.asked)
            writer.transport.abort()
            await until(lambda: place.cancelled)
            await until(lambda: not len(place.connections))

    soon(run)


def test_who_waits_gets_signs_of_life(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.hold.clear()
            place.beat = 0.01
            reader, writer = await place.open()
            writer.write(POST + b"12345")
            for _ in range(2):
                sign = await reader.readuntil(b"\r\n\r\n")
                assert sign.startswith(b"HTTP/1.1 102 ")
            place.hold.set()
            rest = await reader.read()
            assert rest.rpartition(b"\r\n\r\n")[2] == b"hello\n"
            writer.close()

    soon(run)


def test_who_need_not_wait_gets_the_answer_alone(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            assert (await place.say(POST + b"12345")).startswith(b"HTTP/1.1 200 ")

    soon(run)


def test_a_handler_may_hang_up(soon) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.hang_up = True
            assert await place.say(POST + b"12345") == b""

    soon(run)


def test_there_are_so_many_connections_and_no_more(soon, until) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.limits = ConnectionLimits(most=2)
            place.hold.clear()
            asking = [asyncio.ensure_future(place.say(POST + b"12345")) for _ in range(2)]
            await until(lambda: len(place.asked) == 2)
            assert await place.say(POST + b"12345") == b""
            place.hold.set()
            assert [(await one)[-6:] for one in asking] == [b"hello\n"] * 2
            assert (await place.say(POST + b"12345")).endswith(b"hello\n")

    soon(run)


def test_who_has_not_asked_makes_room(soon, until) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.limits = ConnectionLimits(most=2)
            silent = [await place.open() for _ in range(2)]
            await until(lambda: len(place.connections) == 2)
            for _ in range(3):
                assert (await place.say(POST + b"12345")).endswith(b"hello\n")
            assert await _ended(silent[0])
            for _, writer in silent:
                writer.close()

    async def _ended(talk) -> bool:
        try:
            return await talk[0].read() == b""
        except ConnectionError:
            return True

    soon(run)


def test_a_body_in_crumbs_is_refused(soon) -> None:
    chunked = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")

    async def run() -> None:
        async with SmallServer() as place:
            said = await place.say(chunked + b"1\r\nx\r\n" * 3000)
            assert b"too small chunks" in said
            assert place.asked == []

    soon(run)


def test_the_end_lets_answers_go_out_but_not_for_ever(soon, until) -> None:
    async def run() -> None:
        async with SmallServer() as place:
            place.hold.clear()
            talking = asyncio.ensure_future(place.say(POST + b"12345"))
            await until(lambda: place.asked)
            ending = asyncio.ensure_future(place.http.finish(5))
            await asyncio.sleep(0.02)
            assert not ending.done()
            place.hold.set()
            await ending
            assert (await talking).endswith(b"hello\n")

        async with SmallServer() as place:
            place.hold.clear()
            talking = asyncio.ensure_future(place.say(POST + b"12345"))
            await until(lambda: place.asked)
            await place.http.finish(0.05)
            assert await talking == b""

    soon(run)
