"""A real worker process: it answers, dies with us, and its death is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zmhook.service import process
from zmhook.service.process import WorkerDied, WorkerProcess
from zmhook.service.wire import Prepare, Ready, Record
from zmhook.settings import General, Settings
from zmhook.settings.plain import to_plain

PREPARE = Prepare(to_plain(Settings(general=General(models=("hog",)))), "1")


async def prepared() -> WorkerProcess:
    worker = WorkerProcess()
    await worker.start()
    await worker.send(PREPARE)
    while isinstance(message := await worker.receive(), Record):
        pass
    assert isinstance(message, Ready)
    assert message.models == ["hog"]
    return worker


async def send_many(worker: WorkerProcess) -> None:
    for _ in range(1000):
        await worker.send(PREPARE)


def leads(pid: int | None, what: str) -> str:
    return os.readlink(f"/proc/{pid}/{what}")  # noqa: PTH115 - it may be no path (socket:[5])


def lives(pid: int | None) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_starts_works_and_stops(soon) -> None:
    async def run() -> None:
        worker = await prepared()
        pid = worker.pid
        assert not worker.has_ended
        assert leads(pid, "cwd") == "/"
        assert leads(pid, "fd/0") == "/dev/null"
        assert leads(pid, "fd/1") == "/dev/null"
        await worker.stop()
        assert not lives(pid)
        assert worker.pid is None
        await worker.stop()

    soon(run)


def test_a_killed_one_says_so(soon) -> None:
    async def run() -> None:
        worker = await prepared()
        worker.kill()
        with pytest.raises(WorkerDied, match="by SIGKILL"):
            await worker.receive()
        assert worker.has_ended
        await worker.stop()

    soon(run)


def test_writing_to_a_dead_one_says_so(soon) -> None:
    async def run() -> None:
        worker = await prepared()
        worker.kill()
        with pytest.raises(WorkerDied, match="by SIGKILL"):
            await send_many(worker)
        await worker.stop()

    soon(run)


def test_before_it_is_started(soon) -> None:
    async def run() -> None:
        worker = WorkerProcess()
        assert worker.has_ended
        for doing in (worker.receive(), worker.send(PREPARE)):
            with pytest.raises(WorkerDied, match="not started"):
                await doing
        worker.kill()
        await worker.stop()

    soon(run)


def test_one_that_cannot_be_started(soon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.sys, "executable", "/nowhere/python")

    async def run() -> None:
        worker = WorkerProcess()
        with pytest.raises(WorkerDied, match="before it began"):
            await worker.start()
        await worker.stop()

    soon(run)


@pytest.mark.parametrize(
    ("says", "how"),
    [
        (r"b'\0\0\0\5hello'", "a message that cannot be read"),
        (r"b'\xff\xff\xff\xff'", "no message"),
        (r"b'\0\0'", "with exit code 7"),
        ("b''", "with exit code 7"),
    ],
)
def test_one_that_talks_nonsense(
    soon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, how: str
) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!{sys.executable}\nimport os\nos.write(0, {says})\nos._exit(7)\n")
    fake.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(fake))

    async def run() -> None:
        worker = WorkerProcess()
        await worker.start()
        with pytest.raises(WorkerDied, match=how):
            await worker.receive()
        worker.kill()
        await worker.stop()

    soon(run)


def test_one_that_does_not_want_to_stop_is_killed(
    soon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(fake))
    monkeypatch.setattr(process, "STOP_TIMEOUT", 0.1)

    async def run() -> None:
        worker = WorkerProcess()
        await worker.start()
        pid = worker.pid
        await worker.stop()
        assert not lives(pid)

    soon(run)


def test_it_dies_with_its_supervisor(root: Path, tmp_path: Path) -> None:
    """Even one that is killed, and even a worker that is stuck in a model."""
    code = (
        "import asyncio, os, signal, sys\n"
        "from zmhook.service.process import WorkerProcess\n"
        "async def run():\n"
        "    worker = WorkerProcess()\n"
        "    await worker.start()\n"
        "    await asyncio.sleep(0.5)\n"
        "    os.kill(worker.pid, signal.SIGSTOP)\n"
        "    print(worker.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(run())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root / "hook")},
        stdout=subprocess.PIPE,
        timeout=30,
    )
    pid = int(done.stdout)
    end = time.monotonic() + 10
    while lives(pid) and time.monotonic() < end:
        time.sleep(0.02)

    assert not lives(pid)
