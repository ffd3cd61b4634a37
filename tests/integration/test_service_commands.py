"""`zmhook serve` and `zmhook service`, for real: started, seen, stopped, started anew."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.service import client, running
from zmhook.service.paths import socket_name

pytestmark = pytest.mark.integration

SECONDS = 60

# As systemd starts a service on demand: the socket is number 3, and two variables say so.
SYSTEMD = """
import os, socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
if listener.fileno() == 3:
    os.set_inheritable(3, True)
else:
    os.dup2(listener.fileno(), 3)
os.environ["LISTEN_FDS"] = "1"
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Site:
    """A configuration with people only (no file needed), and its run folder."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "o.ini"
        self.socket = folder / "r" / f"{socket_name(self.config)}.sock"
        self.socket.parent.mkdir()
        self.write()
        self.env = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(root / "hook"),
            "ZMHOOK_RUN": str(self.socket.parent),
            "ZMHOOK_CONFIG": str(self.config),
            "ZMHOOK_PYTHON": sys.executable,
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def write(self, service: str = "") -> None:
        self.config.write_text(
            f"[general]\nbase_data_path = {self.folder}\nbase_zm_conf_path = {self.folder}\n"
            f"models = hog\nwrite_image_to_zm = no\n[hog]\nhog_min_confidence = 0.1\n"
            f"[service]\nservice_workers = 1\n{service}\n"
        )

    @property
    def zmhook(self) -> list[str]:
        return [sys.executable, "-m", "zmhook.cli.main"]

    def call(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.zmhook, *args],
            env=self.env,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def begin(self, command: list[str], **options) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command, env=self.env, cwd="/", stderr=subprocess.PIPE, **options
        )
        self.processes.append(process)
        return process

    def until_up(self) -> None:
        self.until(lambda: self.call("service", "status").returncode == 0)

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.1)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if running.is_running(self.socket):
                running.end(self.socket)
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def site(root: Path) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="zmh", dir="/tmp"))
    site = Site(root, folder)
    yield site
    site.close()
    shutil.rmtree(folder)


@pytest.fixture
def hook(root: Path, site: Site, photo) -> Callable[[str], subprocess.CompletedProcess[str]]:
    event = site.folder / "event"
    event.mkdir()
    for frame_id in ("alarm", "snapshot"):
        shutil.copyfile(photo("person.jpg"), event / f"{frame_id}.jpg")

    def call(number: str = "1") -> subprocess.CompletedProcess[str]:
        command = [root / "zm_event_start.sh", number, "2", "Door", "Motion", event]
        return subprocess.run(
            command, env=site.env, cwd="/", capture_output=True, text=True, timeout=SECONDS
        )

    return call


def lives(pid: int) -> bool:
    """Say whether a process runs; one that nobody has asked about after its end has no command."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    return False


def status(site: Site) -> dict:
    return json.loads(site.call("service", "status", "--json").stdout)


def test_serve_see_and_stop(site: Site, hook) -> None:
    site.write("service_idle_exit = 1")
    serving = site.begin([*site.zmhook, "serve"])
    site.until_up()
    said = hook()
    assert (said.returncode, said.stderr) == (0, "")
    assert "detected:person" in said.stdout

    found = status(site)
    assert (found["running"], found["pid"]) == (True, serving.pid)
    assert found["events"] == {"alarm": 1}
    assert found["stages_ms"]["whole"]["events"] == 1
    text = " ".join(site.call("service", "status").stdout.split())
    assert f"(process {serving.pid})" in text
    assert "hog" in text

    time.sleep(2.5)
    assert serving.poll() is None, "zmhook serve does not end when idle"
    stopped = site.call("service", "stop")
    assert stopped.stdout == f"The service (process {serving.pid}) has stopped.\n"
    assert serving.wait(5) == 0
    assert not site.socket.exists()
    assert site.call("service", "status").returncode == 3


def test_serve_on_demand_ends_when_idle(site: Site) -> None:
    site.write("service_idle_exit = 1")
    serving = site.begin([*site.zmhook, "serve", "--on-demand"])
    assert serving.wait(SECONDS) == 0
    assert not site.socket.exists()


def test_a_second_one_says_that_one_runs(site: Site) -> None:
    first = site.begin([*site.zmhook, "serve"])
    site.until_up()
    second = site.call("serve")
    assert second.returncode == 0
    assert second.stderr == f"zmhook: {site.socket}: a service runs already\n"

    third = site.begin([*site.zmhook, "serve", "--replace"])
    assert first.wait(SECONDS) == 0
    site.until_up()
    assert status(site)["pid"] == third.pid


def test_restart_starts_one_that_is_detached(site: Site, hook) -> None:
    """It must hold nothing of the caller's: capturing its output would never end."""
    first = site.call("service", "restart")
    assert (first.returncode, first.stderr) == (0, "")
    one = status(site)["pid"]
    assert os.getsid(one) == one
    assert Path(f"/proc/{one}/cwd").resolve() == Path("/")
    second = site.call("service", "restart")
    assert f"The service (process {one}) has stopped." in second.stdout
    two = status(site)["pid"]
    assert two != one
    assert hook().returncode == 0
    assert status(site)["events"] == {"alarm": 1}


def test_a_killed_service_is_no_service(site: Site) -> None:
    serving = site.begin([*site.zmhook, "serve"])
    site.until_up()
    serving.kill()
    serving.wait(5)
    assert site.socket.exists()
    assert site.call("service", "status").returncode == 3
    assert site.call("service", "restart").returncode == 0
    assert site.call("service", "status").returncode == 0


def test_a_stopped_process_is_killed_in_the_end(site: Site) -> None:
    """One that hangs cannot answer, nor end by itself."""
    serving = site.begin([*site.zmhook, "serve"])
    site.until_up()
    workers = [worker["pid"] for worker in status(site)["workers"]]
    serving.send_signal(signal.SIGSTOP)
    assert running.end(site.socket, 1.0) is False
    assert serving.wait(5) == -signal.SIGKILL
    assert workers
    site.until(lambda: not any(map(lives, workers)))


def test_health_and_metrics_over_tcp(site: Site, hook) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site.write(f"listen = 127.0.0.1:{port}")
    site.begin([*site.zmhook, "serve"])
    site.until_up()
    assert hook().returncode == 0

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.read().decode()

    assert get("/health/live") == "alive\n"
    assert get("/health/ready") == "ready\n"
    assert 'zmhook_events_total{outcome="alarm"} 1.0' in get("/metrics")
    with pytest.raises(urllib.request.HTTPError, match="404"):
        get("/status")


@pytest.fixture
def activated(site: Site) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Hold the socket as systemd does, and start the service on it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(site.socket))
    listener.listen(128)
    command = [sys.executable, "-c", SYSTEMD, str(listener.fileno()), *site.zmhook]
    command += ["serve", "--replace"]
    yield lambda: site.begin(command, pass_fds=[listener.fileno()])
    listener.close()


@pytest.mark.skipif(not shutil.which("curl"), reason="optional: there is no curl")
def test_systemd_holds_the_socket(site: Site, hook, activated) -> None:
    """Those who ask before it runs are answered once it does; its end leaves the socket alone."""
    early = subprocess.Popen(
        ["curl", "-s", "--unix-socket", str(site.socket), "http://zmhook/health/live"],
        stdout=subprocess.PIPE,
    )
    serving = activated()
    assert early.communicate(timeout=SECONDS)[0] == b"alive\n"
    assert hook().returncode == 0
    found = status(site)
    assert (found["pid"], found["events"]) == (serving.pid, {"alarm": 1})

    serving.terminate()
    assert serving.wait(SECONDS) == 0
    assert site.socket.is_socket()
    again = activated()
    assert client.ask(site.socket, "GET", "/health/live", SECONDS).body == b"alive\n"
    assert hook().returncode == 0
    assert status(site)["pid"] == again.pid


def test_systemd_takes_over_from_a_service_of_the_hooks(site: Site, hook) -> None:
    """The one that ends must not take away the socket that systemd has put in its place."""
    assert site.call("service", "restart").returncode == 0
    before = status(site)["pid"]
    site.socket.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site.socket))
        listener.listen(128)
        command = [sys.executable, "-c", SYSTEMD, str(listener.fileno()), *site.zmhook]
        serving = site.begin([*command, "serve", "--replace"], pass_fds=[listener.fileno()])
        assert client.ask(site.socket, "GET", "/health/live", SECONDS).body == b"alive\n"
        assert hook().returncode == 0
        assert status(site)["pid"] == serving.pid != before
        site.until(lambda: not lives(before))
