"""What systemd is told."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from zmhook.service.systemd import Systemd


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
