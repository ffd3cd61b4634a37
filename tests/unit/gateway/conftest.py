"""Servers on this machine that answer as gateways do, well and badly."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from zmhook.deadline import Deadline
from zmhook.event import Event
from zmhook.frame import Frame
from zmhook.settings import General, Remote, Secret, Settings

USER, PASSWORD, TOKEN = "ann", "pa55-of-ann", "t0ken-of-ann"


class Got(NamedTuple):
    """A request as it came; `peer` is the caller's port, which tells connections apart."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    peer: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def parts(self) -> list[tuple[str, str, str, bytes]]:
        """Name, file name, type and bytes of each part of a form."""
        head = f"Content-Type: {self.headers['Content-Type']}\n\n".encode()
        message = email.message_from_bytes(head + self.body)
        return [
            (
                part.get_param("name", header="content-disposition"),
                part.get_filename() or "",
                part.get_content_type(),
                part.get_payload(decode=True),
            )
            for part in message.get_payload()
        ]

    @property
    def form(self) -> dict[str, str]:
        if self.headers["Content-Type"].startswith("application/x-www-form-urlencoded"):
            return {key: value[0] for key, value in parse_qs(self.body.decode(), True).items()}
        return {name: data.decode() for name, file, _, data in self.parts if not file}


Answer = tuple[int, dict[str, str], bytes]
Route = Callable[[Got], Answer]


def as_json(data: Any, status: int = 200, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(data).encode()


class Server:
    """Answers by `routes`, 404 elsewhere, and keeps what came. Connections stay open."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Route] = {}
        self.got: list[Got] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                place = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                query = {key: value[0] for key, value in parse_qs(place.query).items()}
                got = Got(
                    self.command,
                    place.path,
                    query,
                    dict(self.headers),
                    body,
                    self.client_address[1],
                )
                server.got.append(got)
                route = server.routes.get((self.command, place.path))
                status, headers, data = route(got) if route else as_json({"detail": "nowhere"}, 404)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = _answer  # noqa: N815 - names that http.server asks for

            def log_message(self, *_: object) -> None:
                pass

        class Listening(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: object) -> None:
                """A caller that leaves early is what some tests are about."""

        self._server = Listening(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def on(self, method: str, path: str, answer: Answer | Route) -> None:
        self.routes[method, path] = answer if callable(answer) else lambda _: answer

    def asked(self, path: str) -> list[Got]:
        return [got for got in self.got if got.path == path]

    def wants_login(self, *paths: str) -> None:
        """Have these answer only whom `/login` gave the token."""

        def login(got: Got) -> Answer:
            if got.json == {"username": USER, "password": PASSWORD}:
                return as_json({"access_token": TOKEN, "expires": 3600})
            return as_json({"detail": "Invalid credentials"}, 401)

        def guarded(route: Route) -> Route:
            def answer(got: Got) -> Answer:
                if got.headers.get("Authorization") == f"Bearer {TOKEN}":
                    return route(got)
                return as_json({"detail": "log in first"}, 401)

            return answer

        self.on("POST", "/login", login)
        for key, route in list(self.routes.items()):
            if key[1] in paths:
                self.routes[key] = guarded(route)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Raw:
    """Accepts connections and does with each what it was told to, in a thread."""

    def __init__(self, handle: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.count = 0
        self._handle = handle
        self._open: list[socket.socket] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.count += 1
            self._open.append(connection)
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        try:
            self._handle(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        # shutdown wakes the thread that accepts; close alone does not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], Raw]]:
    made: list[Raw] = []

    def make(handle: Callable[[socket.socket], None]) -> Raw:
        made.append(Raw(handle))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with `[remote]` as given, and a folder of their own."""

    def make(*gateways: str, general: dict[str, Any] | None = None, **remote: Any) -> Settings:
        own = {"base_data_path": str(tmp_path), **(general or {})}
        return Settings(general=General(**own), remote=Remote(ml_gateway=gateways, **remote))

    return make


@pytest.fixture
def login() -> dict[str, Any]:
    return {"ml_user": USER, "ml_password": Secret(PASSWORD)}


@pytest.fixture
def soon() -> Deadline:
    return Deadline(20)


@pytest.fixture
def frame() -> Callable[..., Frame]:
    """A frame with something to see in it; `seconds` are left of its event."""

    def make(
        width: int = 64, height: int = 48, frame_id: str = "alarm", seconds: float = 20, **more: Any
    ) -> Frame:
        image = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
        given = {"origin": "made", "event": Event(id=5), "deadline": Deadline(seconds), **more}
        return Frame(image=image, id=frame_id, **given)

    return make


@pytest.fixture
def words() -> Callable[..., Answer]:
    """An answer in JSON."""
    return as_json
