"""Opening the address, or saying why not."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path

import pytest

from zmhook.server.listener import CannotListenError, listen
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.supervisor import Supervisor


@pytest.fixture
def opened(tmp_path: Path, soon):
    """Listen at an address by these lines of [service], and look at it."""

    def play(address: str, scene, **service: object) -> None:
        lines = "".join(f"{name} = {value}\n" for name, value in service.items())
        path = tmp_path / "o.ini"
        path.write_text(
            f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n"
            f"[service]\nservice_workers = 1\n{lines}"
        )

        async def run() -> None:
            supervisor = Supervisor(ConfigWatch(str(path)), lambda *_: None)
            try:
                listener = await listen(address, supervisor)
                try:
                    await scene(listener)
                finally:
                    listener.close()
                    await listener.finish(0.1)
            finally:
                await supervisor.finish(0)

        soon(run)

    return play


HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def nothing(_: object) -> None:
    pytest.fail("it listens")


async def answers(listener, **more: object) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, **more)
    writer.write(HEALTH)
    found = await reader.read()
    writer.close()
    return found


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "0.0.0.0:0"])
def test_a_free_port(opened, address: str, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(listener) -> None:
        assert b'"status":"ok"' in await answers(listener)

    opened(address, scene)
    assert ("are sent unencrypted" in caplog.text) is address.startswith("0.")


@pytest.mark.parametrize(
    "address", ["nonsense", "127.0.0.1:99999", "127.0.0.1:x", "256.1.1.1:1", "127.0.0.1:"]
)
def test_an_address_that_cannot_be_had(opened, address: str) -> None:
    with pytest.raises(CannotListenError, match=f"listen = {address}: cannot be listened on"):
        opened(address, nothing)


def test_a_port_that_is_taken(opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotListenError, match="in use"):
            opened(address, nothing)


def certificate(folder: Path) -> tuple[Path, Path, ssl.SSLContext]:
    import trustme

    ca = trustme.CA()
    issued = ca.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return folder / "cert.pem", folder / "key.pem", context


def test_https(opened, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cert, key, context = certificate(tmp_path)

    async def scene(listener) -> None:
        assert b'"status":"ok"' in await answers(listener, ssl=context)
        assert await answers(listener) == b""  # in the clear: nothing

    opened("127.0.0.1:0", scene, listen_cert=cert, listen_key=key)
    assert "(https)" in caplog.text


@pytest.mark.parametrize("broken", ["cert", "key", "both", "swapped"])
def test_a_certificate_that_cannot_be_used_is_no_reason_to_do_without(
    opened, tmp_path: Path, broken: str
) -> None:
    cert, key, _ = certificate(tmp_path)
    given = {"listen_cert": cert, "listen_key": key}
    if broken == "cert":
        given["listen_cert"] = tmp_path / "missing.pem"
    elif broken == "key":
        key.write_text("hello")
    elif broken == "swapped":
        given = {"listen_cert": key, "listen_key": cert}
    else:
        del given["listen_cert"]
    with pytest.raises(CannotListenError, match="cannot be used"):
        opened("127.0.0.1:0", nothing, **given)


def test_without_a_password_there_is_health_only(
    opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache" / "listen_password").mkdir(parents=True)

    async def scene(listener) -> None:
        assert b" 200 " in await answers(listener)

    opened("127.0.0.1:0", scene)
    assert "health and metrics only" in caplog.text
