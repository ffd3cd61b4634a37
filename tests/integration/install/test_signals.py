"""install.sh that is ended: it leaves no temporary files behind, and no process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("zmhook-install.*")]


def commands_with(text: str) -> list[str]:
    """Return the command lines of processes that name it."""
    commands = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            commands.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in commands if text in command]


def heeds_signals() -> None:
    """Undo what nohup does: a shell cannot trap what was ignored before it began."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_temporary_folders_go_however_it_ends(
    number: int, checkout: Path, login, sourced, wait_until, tmp_path: Path, user: str
):
    """pip waits for an index that never answers; the next run tidies up after a killed one."""
    temp, prefix = tmp_path / "tmp", tmp_path / "prefix"
    temp.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        more = {"PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull, "TMPDIR": str(temp)}
        command = [checkout / "install.sh", "--prefix", prefix, "--yes", "--user", user]
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        with subprocess.Popen(
            command,
            env=login(**more),
            stderr=subprocess.DEVNULL,
            preexec_fn=heeds_signals,  # noqa: PLW1509 - this process has no threads
            **options,
        ) as running:
            silent.settimeout(400)
            connection, _ = silent.accept()  # pip has begun
            assert left_in(temp)
            running.send_signal(number)
            assert running.wait(60) == (-number if number == signal.SIGKILL else 143)
            connection.settimeout(60)
            with suppress(ConnectionResetError):
                while connection.recv(4096):  # until pip has ended too
                    pass
            connection.close()
    wait_until(lambda: not commands_with(str(prefix)))
    if number == signal.SIGKILL:
        (temp / "zmhook-install.mine").mkdir()  # of no process: somebody's own
        sourced("workspace", TMPDIR=str(temp))
        (temp / "zmhook-install.mine").rmdir()
    assert left_in(temp) == []
