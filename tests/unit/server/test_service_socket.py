"""The service's socket and its lock."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from zmhook.server import service_socket
from zmhook.server.service_socket import ServiceSocket, Systemd, passed_socket


def test_one_service_a_socket(short: Path) -> None:
    path = short / "r" / "o.sock"
    one, second, other = ServiceSocket(path), ServiceSocket(path), ServiceSocket(short / "b.sock")
    assert one.lock()
    assert path.with_suffix(".lock").read_text() == f"{os.getpid()}\n"
    path.touch()
    assert not second.lock()
    assert other.lock()
    one.close()
    assert second.lock()
    second.close()
    other.close()


def test_a_lock_whose_socket_is_gone_is_waited_for(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, next_one = ServiceSocket(short / "o.sock"), ServiceSocket(short / "o.sock")
    assert ending.lock()
    monkeypatch.setattr(service_socket.time, "sleep", lambda _: ending.close())

    assert next_one.lock()
    next_one.close()


def test_a_service_that_ends_may_give_its_lock_away(short: Path) -> None:
    ending, next_one = ServiceSocket(short / "o.sock"), ServiceSocket(short / "o.sock")
    assert ending.lock()
    ending.unlock()
    assert next_one.lock()
    next_one.close()
    ending.close()


def test_what_a_dead_service_left_is_replaced(short: Path) -> None:
    path = short / "o.sock"
    dead, ours = ServiceSocket(path), ServiceSocket(path)

    with dead.open():
        assert dead.is_ours
        with ours.open(), socket.socket(socket.AF_UNIX) as client:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert ours.is_ours
            assert not dead.is_ours
            dead.remove()
            client.connect(str(path))
            ours.remove()
            assert not path.exists()


def test_systemds_socket_stays(short: Path) -> None:
    path = short / "o.sock"
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(str(path))
        ours = ServiceSocket(path, passed)
        assert ours.lock()
        assert path.with_suffix(".lock").read_text() == f"{os.getpid()}\nsystemd\n"
        assert ours.open() is passed
        ours.remove()
        assert path.exists()
        ours.close()


def test_systemds_socket_is_for_the_process_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN_PID", raising=False)
    assert passed_socket() is None
    monkeypatch.setenv("LISTEN_PID", "1")
    assert passed_socket() is None


@pytest.fixture(params=["path", "abstract"])
def manager(request, short: Path, monkeypatch: pytest.MonkeyPatch):
    """Stands in for systemd."""
    name = str(short / "notify") if request.param == "path" else f"@zmhook-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name[1:]}" if name.startswith("@") else name)
        listener.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def test_it_learns_that_we_serve_and_live(manager, monkeypatch: pytest.MonkeyPatch, soon) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))

    async def run() -> list[bytes]:
        systemd = Systemd()
        systemd.ready()
        task = asyncio.create_task(systemd.keep_alive())
        told = [await asyncio.to_thread(manager.recv, 100) for _ in range(4)]
        task.cancel()
        return told

    assert soon(run) == [b"READY=1", *[b"WATCHDOG=1"] * 3]
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ)


def test_without_systemd_nobody_is_told(monkeypatch: pytest.MonkeyPatch, soon) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    async def run() -> None:
        systemd = Systemd()
        systemd.ready()
        await systemd.keep_alive()

    soon(run)


def test_one_that_has_gone_is_no_error(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(short / "gone"))

    Systemd().ready()
