"""The listener follows the settings."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from zmhook.server import listen_manager
from zmhook.server.listen_manager import ListenManager
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.supervisor import Supervisor

ASK = b"GET /models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n\r\n"


class ListeningService:
    """A service that listens as a file says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "o.ini"
        self.port = free_port()
        self.write()
        self.supervisor = Supervisor(ConfigWatch(str(self.config)), lambda *_: None)
        self.listening = ListenManager(self.supervisor)

    def write(self, listen: str | None = None, **service: object) -> None:
        lines = "".join(f"{name} = {value}\n" for name, value in service.items())
        listen = f"127.0.0.1:{self.port}" if listen is None else listen
        beside = self.config.with_suffix(".new")
        beside.write_text(
            f"[general]\nbase_data_path = {self.folder}\nbase_zm_conf_path = {self.folder}\n"
            f"[service]\nservice_workers = 1\nlisten = {listen}\n{lines}"
        )
        beside.replace(self.config)

    def token(self) -> bytes:
        listener = self.listening.listener
        assert listener
        assert listener.access.users
        return listener.access.users.tokens.issue().encode()

    async def talk(self, port: int = 0, **more: object):
        return await asyncio.open_connection("127.0.0.1", port or self.port, **more)

    async def answers(self, port: int = 0, **more: object) -> bool:
        try:
            reader, writer = await self.talk(port, **more)
        except OSError:
            return False
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = await reader.read()
        writer.close()
        return found.startswith(b"HTTP/1.1 200")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def play(tmp_path: Path, soon) -> Callable[[Callable[[ListeningService], Awaitable[None]]], None]:
    def run(scene: Callable[[ListeningService], Awaitable[None]]) -> None:
        async def inner() -> None:
            place = ListeningService(tmp_path)
            await place.listening.start()
            try:
                await scene(place)
            finally:
                place.listening.close()
                await place.listening.finish(0.1)
                await place.supervisor.finish(0)

        soon(inner)

    return run


def test_the_address_may_change_and_go_and_come_back(play) -> None:
    async def scene(place: ListeningService) -> None:
        assert await place.answers()
        assert place.listening.is_enabled
        other = free_port()
        place.write(f"127.0.0.1:{other}")
        await place.listening.apply_settings()
        assert await place.answers(other)
        assert not await place.answers()
        place.write("")
        await place.listening.apply_settings()
        assert not await place.answers(other)
        assert not place.listening.is_enabled
        place.write()
        await place.listening.apply_settings()
        assert await place.answers()
        assert place.listening.problems == []

    play(scene)


def test_changes_are_noticed(play, until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen_manager, "CHECK_SECONDS", 0.01)

    async def scene(place: ListeningService) -> None:
        place.write("")
        await until(lambda: place.listening.listener is None)

    play(scene)


def test_an_address_that_is_taken_is_tried_again(play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(place: ListeningService) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            place.write(f"127.0.0.1:{port}")
            for _ in range(2):
                await place.listening.apply_settings()
                (problem,) = place.listening.problems
                assert "cannot be listened on" in problem
            assert place.listening.is_enabled
        monkeypatch.setattr(listen_manager, "RETRY_SECONDS", 0.0)
        await place.listening.apply_settings()
        assert await place.answers(port)
        assert place.listening.problems == []

    play(scene)


def test_another_password_ends_connections_and_tokens(play) -> None:
    async def scene(place: ListeningService) -> None:
        place.write(listen_password="old")
        await place.listening.apply_settings()
        token = place.token()
        reader, writer = await place.talk()
        writer.write(ASK % token)
        assert b" 200 " in await reader.readuntil(b"\r\n")
        place.write(listen_password="new")
        await place.listening.apply_settings()
        await hung_up_on(reader)
        writer.close()
        reader, writer = await place.talk()
        writer.write(ASK % token)
        assert b" 401 " in await reader.readuntil(b"\r\n")
        writer.close()

    play(scene)


def test_the_first_request_after_the_edit_is_refused_too(play) -> None:
    """Before anything has looked whether there was one."""

    async def scene(place: ListeningService) -> None:
        place.write(listen_password="old")
        await place.listening.apply_settings()
        token = place.token()
        place.write(listen_password="new")
        reader, writer = await place.talk()
        writer.write(ASK % token)
        assert b" 401 " in await reader.readuntil(b"\r\n")
        writer.close()

    play(scene)


async def hung_up_on(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(1000):
            pass
    except ConnectionError:
        pass


def issued(folder: Path, name: str) -> tuple[dict[str, Path], ssl.SSLContext]:
    import trustme

    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    made.cert_chain_pems[0].write_to_path(folder / f"{name}-cert.pem")
    made.private_key_pem.write_to_path(folder / f"{name}-key.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files = {"listen_cert": folder / f"{name}-cert.pem", "listen_key": folder / f"{name}-key.pem"}
    return files, context


def test_a_renewed_certificate_is_used_at_once(play, tmp_path: Path) -> None:
    files, before = issued(tmp_path, "a")
    newer, after = issued(tmp_path, "b")

    async def scene(place: ListeningService) -> None:
        place.write(**files)
        await place.listening.apply_settings()
        assert await place.answers(ssl=before)
        for key, file in newer.items():
            file.replace(files[key])
        await place.listening.apply_settings()
        assert await place.answers(ssl=after)
        assert not await place.answers(ssl=before)
        assert place.listening.problems == []

    play(scene)


def test_half_a_renewal_leaves_the_old_one_in_use(play, tmp_path: Path) -> None:
    files, before = issued(tmp_path, "a")
    newer, after = issued(tmp_path, "b")

    async def scene(place: ListeningService) -> None:
        place.write(**files)
        await place.listening.apply_settings()
        newer["listen_cert"].replace(files["listen_cert"])
        await place.listening.apply_settings()
        (problem,) = place.listening.problems
        assert "cannot be used" in problem
        assert "the previous one stays in use" in problem
        assert await place.answers(ssl=before)
        assert not await place.answers()  # never in the clear
        newer["listen_key"].replace(files["listen_key"])
        await place.listening.apply_settings()
        assert await place.answers(ssl=after)
        assert place.listening.problems == []

    play(scene)


def test_limits_hold_at_once(play) -> None:
    async def scene(place: ListeningService) -> None:
        place.write(listen_connections=8, listen_max_upload=1)
        await place.listening.apply_settings()
        listener = place.listening.listener
        assert listener
        assert listener.connections.limits().most == 8
        assert listener.budget.most == 4_000_000

    play(scene)
