"""What the service's process does before it serves."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from zmhook.server import run
from zmhook.server.listen_manager import ListenManager
from zmhook.server.service_socket import ServiceSocket
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.supervisor import Supervisor


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`main` is a process's own: it sets its mask and its limits."""
    mask, limits = os.umask(0o022), resource.getrlimit(resource.RLIMIT_NOFILE)
    os.umask(mask)
    yield
    os.umask(mask)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "o.ini"
    path.write_text(f"[general]\nbase_data_path = {tmp_path}\nbase_zm_conf_path = {tmp_path}\n")
    return path


def test_a_broken_configuration(config: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config.write_text("[general]\nwait = soon\n")

    assert run.main(["-c", str(config)]) == run.CANNOT_START
    assert f"{config}: [general] wait:" in capfd.readouterr().err


def test_a_second_service(config: Path, short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = short / "o.sock"
    held = ServiceSocket(place)
    assert held.lock()
    place.touch()

    assert run.main(["-c", str(config), "--socket", str(place)]) == 0
    assert "a service runs already" in capfd.readouterr().err
    held.close()


def test_an_unusable_folder(config: Path, short: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (short / "file").touch()

    assert run.main(["-c", str(config), "--socket", f"{short}/file/o.sock"]) == run.CANNOT_START
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_path_that_is_too_long_for_a_socket(config: Path, short: Path, tmp_path: Path) -> None:
    place = short / ("x" * 120)

    assert run.main(["-c", str(config), "--socket", str(place)]) == run.CANNOT_START
    log = (tmp_path / "logs" / "zmesdetect.log").read_text()
    assert f"{place}: the service cannot go on: AF_UNIX path too long" in log


def test_an_address_that_cannot_be_had_is_no_reason_not_to_serve(
    soon, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def problems(address: str) -> list[str]:
        supervisor = Supervisor(ConfigWatch(str(config)), lambda *_: None)
        listening = ListenManager(supervisor, address)
        try:
            await listening.start()
            return listening.problems
        finally:
            listening.close()
            await listening.finish(0)
            await supervisor.finish(0)

    assert soon(lambda: problems("")) == []
    (problem,) = soon(lambda: problems("nonsense"))
    assert "listen = nonsense: cannot be listened on" in problem
    assert problem in caplog.text


def test_the_limit_of_open_files_is_raised_and_never_lowered() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)

    run.raise_open_files()

    after, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert after >= min(before, most, 16384)
