"""A real worker process: it answers, dies with us, and its death is told."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zmhook.service import worker_process
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.wire import LoadModels, LogLine, Ready
from zmhook.service.worker_process import LogRelay, WorkerDied, WorkerProcess
from zmhook.settings import General, Settings
from zmhook.settings.model import to_plain

PREPARE = LoadModels(to_plain(Settings(general=General(models=("hog",)))), "1")


async def prepared() -> WorkerProcess:
    worker = WorkerProcess()
    await worker.start()
    await worker.send(PREPARE)
    while isinstance(message := await worker.receive(), LogLine):
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
    monkeypatch.setattr(worker_process.sys, "executable", "/nowhere/python")

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
    monkeypatch.setattr(worker_process.sys, "executable", str(fake))

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
    monkeypatch.setattr(worker_process.sys, "executable", str(fake))
    monkeypatch.setattr(worker_process, "STOP_TIMEOUT", 0.1)

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
        "from zmhook.service.wire import LoadModels\n"
        "from zmhook.service.worker_process import WorkerProcess\n"
        "from zmhook.settings import General, Settings\n"
        "from zmhook.settings.model import to_plain\n"
        "settings = to_plain(Settings(general=General(models=('hog',))))\n"
        "async def run():\n"
        "    worker = WorkerProcess()\n"
        "    await worker.start()\n"
        "    await worker.send(LoadModels(settings, '1'))\n"
        "    await worker.receive()\n"
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


# -- what a worker logs ----------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> ConfigWatch:
    path = tmp_path / "o.ini"
    path.write_text(
        f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n"
        "password = correct-horse\n"
    )
    return ConfigWatch(str(path))


def test_a_line_goes_to_its_monitor(config: ConfigWatch, tmp_path: Path) -> None:
    with LogRelay(config) as records:
        records(LogLine(logging.INFO, "for seven", "/x/model.py", 42), 7)
        records(LogLine(logging.WARNING, "for nobody: 100% {}", "/x/model.py", 43), None)
        records(LogLine(logging.DEBUG, "not this", "/x/model.py", 44), 7)

    seven = (tmp_path / "logs" / "zmesdetect_m7.log").read_text()
    nobody = (tmp_path / "logs" / "zmesdetect.log").read_text()
    assert "INFO model:42 for seven" in seven
    assert "WARNING model:43 for nobody: 100% {}" in nobody
    assert "not this" not in seven + nobody


def test_secrets_are_masked(config: ConfigWatch, tmp_path: Path) -> None:
    with LogRelay(config) as records:
        records(LogLine(logging.ERROR, "login with correct-horse failed", "/x/a.py", 1), 7)

    text = (tmp_path / "logs" / "zmesdetect_m7.log").read_text()
    assert "login with *** failed" in text


def test_secrets_that_are_edited_and_those_of_a_monitor_are_masked_too(
    config: ConfigWatch, tmp_path: Path
) -> None:
    with LogRelay(config) as records:
        text = Path(config.path).read_text().replace("correct-horse", "battery-staple")
        Path(config.path).write_text(f"{text}[monitor-7]\nbasic_password = tr0ub4dor\n")
        config.current()
        records(LogLine(logging.ERROR, "battery-staple or tr0ub4dor failed", "/x/a.py", 1), 7)

    assert "*** or *** failed" in (tmp_path / "logs" / "zmesdetect_m7.log").read_text()


def test_debug_shows_everything(config: ConfigWatch, tmp_path: Path) -> None:
    with LogRelay(config, debug=True) as records:
        records(LogLine(logging.DEBUG, "even this", "/x/a.py", 1), 7)

    assert "even this" in (tmp_path / "logs" / "zmesdetect_m7.log").read_text()
