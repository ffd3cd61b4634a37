"""A server whose every byte a test decides on."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest
import trustme

Respond = Callable[[socket.socket], object]


class RawServer:
    """Answers each connection with `respond`, in a thread of its own; `count` are those so far.

    Whatever goes on for ever goes on until `stopped` is set.
    """

    def __init__(self, respond: Respond) -> None:
        self.count = 0
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self._respond = respond
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def read_request(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536) or b"\r\n\r\n"
        self.requests.append(data)

    def close(self) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.count += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._respond(connection)


@pytest.fixture
def raw_server() -> Iterator[Callable[[Respond], RawServer]]:
    servers: list[RawServer] = []

    def make(respond: Respond) -> RawServer:
        servers.append(RawServer(respond))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def response_server(raw_server) -> Callable[..., RawServer]:
    """Make a server that reads a request, sends these bytes, and closes the connection."""

    def make(*responses: bytes) -> RawServer:
        def respond(connection: socket.socket) -> None:
            for response in responses:
                server.read_request(connection)
                connection.sendall(response)

        server = raw_server(respond)
        return server

    return make


@pytest.fixture
def secure_server(raw_server) -> Callable[[], str]:
    """Make a server with a certificate of an authority that nobody trusts."""

    def make() -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

        def respond(connection: socket.socket) -> None:
            with context.wrap_socket(connection, server_side=True) as secured:
                server.read_request(secured)
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        server = raw_server(respond)
        return server.url.replace("http:", "https:")

    return make
