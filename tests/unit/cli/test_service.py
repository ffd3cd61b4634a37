"""`zmhook service` and `zmhook serve`: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from zmhook.cli import serve, service
from zmhook.errors import SettingsError, ZmhookError
from zmhook.jobs.spool import Spool
from zmhook.server import run
from zmhook.service import client, paths, running

STATUS = {
    "version": "1.2.3",
    "pid": 1,
    "uptime_s": 1.0,
    "config": "o.ini",
    "config_error": "",
    "workers": [],
    "queue": {"size": 5, "waiting": 0, "per_monitor": {}},
    "events": {},
    "refused": 0,
    "dropped": 0,
    "restarts": 0,
    "stages_ms": {},
    "last_errors": {},
}

HOLD = """
import fcntl, os, signal, sys, time
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.write(lock, b"%d\\n" % os.getpid())
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The run folder, and in it a configuration; short, since a socket's path has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="zmh", dir="/tmp") as name:
        monkeypatch.setenv("ZMHOOK_RUN", name)
        monkeypatch.setenv("ZMHOOK_CONFIG", f"{name}/o.ini")
        Path(name, "o.ini").write_text(f"[general]\nbase_data_path = {name}\nmodels = hog\n")
        yield Path(name)


@pytest.fixture
def socket_path(folder: Path) -> Path:
    return folder / f"{paths.socket_name(f'{folder}/o.ini')}.sock"


@pytest.fixture
def hold(socket_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Have a process that holds the service's lock, as a running one does."""
    started = []

    def hold(how: str = "obedient", module: str = "zmhook.server") -> subprocess.Popen[str]:
        lock = socket_path.with_suffix(".lock")
        command = [sys.executable, "-c", HOLD, str(lock), how, module]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def answering(socket_path: Path) -> Iterator[Callable[[bytes], None]]:
    """Listen on the socket and give everybody this answer."""
    listener = socket.socket(socket.AF_UNIX)
    answers: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answers[0])

    thread = threading.Thread(target=serve)

    def begin(answer: bytes) -> None:
        answers.append(answer)
        listener.bind(str(socket_path))
        listener.listen()
        thread.start()

    yield begin
    if thread.ident:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    listener.close()


def http(status: int, body: object) -> bytes:
    data = json.dumps(body).encode()
    return b"HTTP/1.1 %d \r\nContent-Length: %d\r\n\r\n%b" % (status, len(data), data)


# -- status --------------------------------------------------------------------------------------


def test_status_without_a_service(folder: Path, socket_path: Path, capsys) -> None:
    assert service.main(["status"]) == 3
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"zmhook: no service is running at {socket_path}\n")
    assert service.main(["status", "--json"]) == 3
    answer = json.loads(capsys.readouterr().out)
    assert (answer["running"], answer["socket"]) == (False, str(socket_path))
    assert answer["jobs"]["waiting"] == 0


def test_status_tells_of_jobs_without_a_service(folder: Path, socket_path: Path, capsys) -> None:
    Spool.of(str(folder)).add(b"{}", b"", ["webhook"], 3)
    assert service.main(["status"]) == 3
    assert "waiting: webhook" in capsys.readouterr().out


def test_what_a_dead_service_left_is_no_service(folder: Path, socket_path: Path, capsys) -> None:
    socket_path.with_suffix(".lock").write_text("1\n")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_path))
    assert service.main(["status"]) == 3
    assert service.main(["stop"]) == 0
    assert capsys.readouterr().out == f"No service is running at {socket_path}.\n"


def test_status_as_json_and_as_text(hold, answering, socket_path: Path, capsys) -> None:
    hold()
    answering(http(200, STATUS))
    assert service.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "running": True,
        "socket": str(socket_path),
        **STATUS,
    }
    assert service.main(["status"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"zmhook 1.2.3 runs at {socket_path} (process 1)\n")


def test_a_service_that_does_not_answer_is_told_apart(hold, folder: Path, capsys) -> None:
    process = hold()
    assert service.main(["status"]) == 4
    said = capsys.readouterr().err
    assert f"process {process.pid} does not answer" in said
    assert said.count("\n") == 1


def test_another_program_at_the_socket_is_no_service(hold, answering, capsys) -> None:
    hold()
    answering(http(404, "what"))
    assert service.main(["status"]) == 4
    assert "answers with status 404" in capsys.readouterr().err


def test_each_configuration_has_a_service_of_its_own(hold, folder: Path, capsys) -> None:
    hold()
    other = folder / "other.ini"
    other.write_text(f"[general]\nbase_data_path = {folder}\n")
    assert service.main(["status", "-c", str(other)]) == 3
    assert str(paths.socket_name(other)) in capsys.readouterr().err


def test_a_broken_configuration_is_no_reason_not_to_look(folder: Path, hold, capsys) -> None:
    hold()
    (folder / "o.ini").write_text("[general]\nno_such_key = 1\n")
    assert service.main(["stop"]) == 0
    assert "has stopped" in capsys.readouterr().out


# -- stop ----------------------------------------------------------------------------------------


def test_stop_waits_for_the_end(hold, folder: Path, capsys) -> None:
    process = hold()
    assert service.main(["stop"]) == 0
    assert process.poll() is not None or process.wait(5) is not None
    assert capsys.readouterr().out == f"The service (process {process.pid}) has stopped.\n"


def test_what_does_not_end_is_killed(hold, socket_path: Path) -> None:
    process = hold("stubborn")
    assert running.end(socket_path, 0.3) is False
    assert process.wait(5) == -9
    assert running.pid_of(socket_path) is None


NUMBERS = ["", "hello\n", "-1\n", "0\n", "1\n", "9" * 400, "\x00\xff", "4711\n4712\n"]


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_in_the_file_says_whom_to_end(
    hold, number: str, socket_path: Path, monkeypatch, capsys
) -> None:
    signalled = []
    monkeypatch.setattr(os, "kill", lambda *given: signalled.append(given))
    process = hold()
    socket_path.with_suffix(".lock").write_text(number, encoding="latin-1")
    assert running.pid_of(socket_path) == process.pid
    assert service.main(["stop"]) == 0
    assert process.wait(5) is not None
    assert signalled == []


@pytest.mark.parametrize("number", NUMBERS)
def test_a_process_that_is_no_service_is_not_ended(hold, number: str, socket_path: Path) -> None:
    process = hold(module="another")
    socket_path.with_suffix(".lock").write_text(number, encoding="latin-1")
    with pytest.raises(ZmhookError, match=f"process {process.pid} holds it, which is no zmhook"):
        service.main(["stop"])
    assert process.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="optional: only root can start another's process")
def test_a_service_of_another_is_not_ended(hold, socket_path: Path, monkeypatch) -> None:
    process = hold()
    monkeypatch.setattr(running.os, "geteuid", lambda: 12345)
    with pytest.raises(ZmhookError, match=f"process {process.pid} of root holds it"):
        running.end(socket_path, 0.1)
    assert process.poll() is None


def test_a_listener_of_another_is_not_asked(hold, answering, monkeypatch, socket_path) -> None:
    answering(http(200, "stopping"))
    monkeypatch.setattr(running, "is_running", lambda _: True)
    monkeypatch.setattr(client, "peer", lambda *_: client.Peer(1, 12345))
    monkeypatch.setattr(client, "ask", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(ZmhookError, match="12345 listens there"):
        running.end(socket_path, 0.1)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_lock_is_told(make, folder: Path, socket_path: Path) -> None:
    make(socket_path.with_suffix(".lock"))
    with pytest.raises(
        ZmhookError, match=r"\.lock: (is no regular file|Too many levels|Is a directory)"
    ):
        service.main(["stop"])


# -- restart -------------------------------------------------------------------------------------


def test_nothing_is_restarted_with_a_broken_configuration(hold, folder: Path) -> None:
    process = hold()
    (folder / "o.ini").write_text("[general]\nno_such_key = 1\n")
    with pytest.raises(SettingsError, match="no_such_key"):
        service.main(["restart"])
    assert process.poll() is None


def test_nothing_is_restarted_that_would_end_at_once(hold, folder: Path, capsys) -> None:
    process = hold()
    with (folder / "o.ini").open("a") as file:
        file.write("[service]\nuse_service = no\n")
    assert service.main(["restart"]) == 1
    assert "use_service is no" in capsys.readouterr().err
    assert process.poll() is None


def test_who_listens_already_is_not_started_again(
    answering, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """As with systemd, which holds the socket and starts the service when it is asked."""
    answering(http(200, "alive"))
    monkeypatch.setattr(service.start, "start", lambda *_: pytest.fail("it was started"))
    assert service.main(["restart"]) == 0
    assert "The service is running" in capsys.readouterr().out


def test_a_start_that_fails_is_told(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(service, "START_SECONDS", 0.3)
    monkeypatch.setattr(service.start, "start", lambda *_: True)
    assert service.main(["restart"]) == 1
    assert "did not start; zmhook serve shows why" in capsys.readouterr().err


# -- serve ---------------------------------------------------------------------------------------


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the service was to be run with."""
    calls: list[list[str]] = []
    monkeypatch.setattr(run, "main", lambda argv: calls.append(argv) or 0)
    return calls


def test_serve_stays_unless_told_otherwise(ran, folder: Path, socket_path: Path) -> None:
    assert serve.main([]) == 0
    assert serve.main(["--on-demand", "-d", "--socket", f"{folder}/x.sock"]) == 0
    config = ["--config", f"{folder}/o.ini", "--socket"]
    assert ran == [
        [*config, str(socket_path), "--permanent"],
        [*config, f"{folder}/x.sock", "--debug"],
    ]


def test_serve_names_a_configuration_as_hooks_do(ran, folder: Path, monkeypatch) -> None:
    monkeypatch.chdir(folder)
    serve.main(["-c", "./o.ini"])
    assert ran[0][:2] == ["--config", f"{folder}/o.ini"]


def test_serve_can_end_the_one_before(ran, hold, folder: Path) -> None:
    process = hold()
    serve.main([])
    assert process.poll() is None
    serve.main(["--replace"])
    assert process.wait(5) is not None
    assert len(ran) == 2


# -- whose it is ---------------------------------------------------------------------------------


def test_who_may_not_look_is_told_who_may(folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: str(path) != str(folder))
    assert service.main(["status"]) == 4
    said = capsys.readouterr().err
    assert said.startswith(f"zmhook: {folder}: permission denied: it is {folder.owner()}'s")
