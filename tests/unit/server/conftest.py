"""A listening server whose workers are a test's own, and somebody who talks to it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.errors import InferenceUnavailable
from zmhook.net.connections import ConnectionLimits, ConnectionTable
from zmhook.net.http_connection import Response
from zmhook.net.http_server import HttpServer, UploadBudget
from zmhook.server.auth import Users
from zmhook.server.inference_api import InferenceApi
from zmhook.server.listener import router_of
from zmhook.service.wire import InferResult, InferTask
from zmhook.settings import General, Settings

PASSWORD = "pass"
BOUNDARY = "b0undary"
DOG = Detection(label="dog", confidence=0.9, box=Box(1, 2, 30, 40), model="yolo")


class Said(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Workers:
    """A supervisor that detects what a test has put in."""

    def __init__(self) -> None:
        self.settings = Settings(general=General(models=("yolo",)))
        self.detections: dict[str, list[Detection]] = {"yolo": [DOG]}
        self.asked: list[InferTask] = []
        self.error: InferenceUnavailable | None = None
        self.result: InferResult | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.left = 0
        self.busy = 0.5
        self.ready = True
        self.pool = SimpleNamespace(slots=[SimpleNamespace(models=["yolo: a.onnx on x (CPU)"])])
        self.config = SimpleNamespace(
            current=lambda: SimpleNamespace(
                general=self.settings, for_monitor=lambda _: self.settings
            )
        )

    def set(self, **service: object) -> None:
        """Change settings of [service]."""
        changed = structs.replace(self.settings.service, **service)
        self.settings = structs.replace(self.settings, service=changed)

    def is_ready(self) -> bool:
        return self.ready

    async def infer(self, task: InferTask) -> InferResult:
        self.asked.append(task)
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.left += 1
            raise
        if self.error:
            raise self.error
        if self.result:
            return self.result
        images = len(task.images)
        results = {name: [self.detections.get(name, [])] * images for name in task.models}
        return InferResult(results, [(64, 48)] * images, {}, {"yolo": 5.0})


class Listening:
    """The server on a free port."""

    def __init__(
        self, users: Users | None, *, most: int = 100_000_000, most_requests: int = 1000
    ) -> None:
        self.workers = Workers()
        self.users = users
        self.budget = UploadBudget(most)
        self.api = InferenceApi(self.workers, self.budget)
        self.public: list[str] = []
        self.connections = ConnectionTable(lambda: self.limits)
        router = router_of(self.api, SimpleNamespace(users=users), self._public)
        self.server = HttpServer(
            router, self.connections, budget=self.budget, most_requests=most_requests
        )
        self.limits = ConnectionLimits()
        self.address = ""
        self.token = users.tokens.issue() if users else ""

    async def _public(self, request) -> Response:
        self.public.append(f"{request.method} {request.path}")
        found = request.path.startswith("/health/")
        return Response(200, b"alive\n") if found else Response(404, b"nothing\n")

    async def __aenter__(self) -> Listening:  # noqa: PYI034 - Self needs typing_extensions here
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.accepting = asyncio.ensure_future(self._accept())
        return self

    async def _accept(self) -> None:
        while True:
            accepted, (address, _) = await asyncio.get_running_loop().sock_accept(self.listening)
            self.server.serve(accepted, self.address or address)

    async def __aexit__(self, *_: object) -> None:
        self.accepting.cancel()
        self.listening.close()
        await self.server.finish(0.1)
        self.api.close()

    async def open(self) -> Talk:
        return Talk(*await asyncio.open_connection("127.0.0.1", self.port))

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        token: str | None = None,
        **headers: str,
    ) -> Said:
        """Ask one thing over a connection of its own, logged in unless told otherwise."""
        talk = await self.open()
        try:
            token = self.token if token is None else token
            return await talk.ask(method, path, body, token=token, **headers)
        finally:
            talk.close()

    async def post_json(self, path: str, said: object, **more: Any) -> Said:
        body = json.dumps(said).encode()
        return await self.ask("POST", path, body, content_type="application/json", **more)

    async def post(self, path: str, *parts: tuple[str, bytes] | tuple[str, str, bytes]) -> Said:
        """Post a form of words `(name, value)` and files `(name, file name, data)`."""
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return await self.ask("POST", path, form(*parts), content_type=kind)


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, token: str = "", **headers: str
    ) -> Said:
        await self.say(head(method, path, len(body), token, **headers) + body)
        return await self.heard(is_head=method == "HEAD")

    async def heard(self, *, is_head: bool = False) -> Said:
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = text.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = 0 if is_head else int(headers.get("content-length", 0))
        return Said(int(status.split()[1]), headers, await self.reader.readexactly(size))

    def close(self) -> None:
        self.writer.close()


def head(method: str, path: str, length: int, token: str = "", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def form(*parts: tuple[str, bytes] | tuple[str, str, bytes]) -> bytes:
    body = b""
    for name, *file_name, value in parts:
        more = f'; filename="{file_name[0]}"' if file_name else ""
        body += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        )
        body += value + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def listening(soon) -> Callable[[Callable[[Listening], Awaitable[None]]], None]:
    """Run a scene with a server that listens."""

    def play(
        scene: Callable[[Listening], Awaitable[None]], *, users: bool = True, **more: Any
    ) -> None:
        async def run() -> None:
            async with Listening(Users("zmhook", PASSWORD) if users else None, **more) as place:
                await scene(place)

        soon(run)

    return play


@pytest.fixture
def dog() -> Detection:
    return DOG
