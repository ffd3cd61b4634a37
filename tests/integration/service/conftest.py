"""A service of the test's own, started by the real hook and ended by process id."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from zmhook.event import Event
from zmhook.service import client
from zmhook.service.paths import socket_name

SECONDS = 30
"""How long anything here may take before it counts as never; a machine under load is slow."""

FAULTY = '''
import os, pathlib, signal, time
from zmhook.detection import Box, Detection

ORDERS = pathlib.Path(os.environ["ZMHOOK_RUN"], "orders")

class Faulty:
    """Does what the first line of the file `orders` says, once for each line."""

    name, requires = "faulty", frozenset()

    def __init__(self, settings):
        pass

    def load(self):
        pass

    def close(self):
        pass

    def detect(self, frames):
        order, _, rest = ORDERS.read_text().partition("\\n") if ORDERS.exists() else ("", "", "")
        if order:
            ORDERS.write_text(rest)
            beside = ORDERS.with_name("obeying")
            beside.write_text(f"{order} {os.getpid()}\\n")
            beside.replace(ORDERS.with_name("obeyed"))  # seen whole or not at all
        if order == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if order.startswith("sleep"):
            time.sleep(float(order.split()[1]))
        while order == "wait" and not ORDERS.with_name("go").exists():
            time.sleep(0.01)
        if order.startswith("grow"):
            self.ballast = b"x" * (int(order.split()[1]) << 20)
        return [[] for _ in frames]
'''


class Said(NamedTuple):
    """What a hook left behind."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out.partition("--SPLIT--")[0].removesuffix(" ")


class Site:
    """A configuration, its run folder, and the processes that belong to it."""

    def __init__(self, root: Path, assets: Path) -> None:
        # Short, because a socket's path may have 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="zmh", dir="/tmp"))
        self.root = root
        self.assets = assets
        self.run = self.folder / "r"
        self.run.mkdir()
        self.config = self.folder / "o.ini"
        self.env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.folder),
            "ZMHOOK_PYTHON": sys.executable,
            "ZMHOOK_RUN": str(self.run),
            "ZMHOOK_CONFIG": str(self.config),
            "PYTHONPATH": str(self._plugin()),
        }
        self.children: list[subprocess.Popen[bytes]] = []
        self.account: dict[str, Any] = {}
        """Arguments of Popen that say whom hooks run as; as we ourselves without any."""
        self.write()

    @property
    def socket(self) -> Path:
        return self.run / f"{socket_name(self.config)}.sock"

    def write(self, general: str = "", service: str = "", rest: str = "") -> None:
        path = f"service_environment = PYTHONPATH={self.env['PYTHONPATH']}"
        for default in ("service_workers = 1", "service_idle_exit = 120", path):
            if default.partition(" ")[0] not in service:
                service += f"\n{default}"
        if "max_attempts" not in general:
            general += "\nmax_attempts = 1"
        text = (
            f"[general]\nbase_data_path = {self.folder}/data\nbase_zm_conf_path = {self.folder}\n"
            f"{general}\n"
            f"[yolo]\nweights = {self.assets}/models/yolox_nano_416.onnx\n"
            f"[service]\n{service}\n{rest}\n"
        )
        beside = self.config.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.config)

    def event(self, photo: str = "dog.jpg", number: int = 5, **pictures: str) -> Path:
        """Make an event's folder; `pictures` are photos by frame id, else both are `photo`."""
        folder = self.folder / "events" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        for frame_id, name in (pictures or {"alarm": photo, "snapshot": photo}).items():
            shutil.copyfile(self.assets / "photos" / name, folder / f"{frame_id}.jpg")
        return folder

    def order(self, *orders: str) -> None:
        (self.run / "orders").write_text("".join(f"{order}\n" for order in orders))

    def obeyed(self) -> int:
        """Return the process that obeyed the last order, as soon as there is one."""
        path = self.run / "obeyed"
        self.until(path.exists)
        pid = int(path.read_text().split()[-1])
        path.unlink()
        return pid

    def begin(self, *args: str | bytes | Path, **extra: str) -> subprocess.Popen[bytes]:
        """Start the hook as a daemon would: in /, with nothing to read."""
        return subprocess.Popen(
            [self.root / "zm_event_start.sh", *args],
            env={**self.env, **extra},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **self.account,
        )

    def hook(self, folder: Path | str | None = None, number: int = 5, monitor: int = 1) -> Said:
        path = self.event() if folder is None else folder
        return end(self.begin(str(number), str(monitor), "Door", "Motion", path))

    def warm(self) -> dict[str, Any]:
        """Have a service that is ready, and return its status."""
        self.hook()
        self.until(lambda: client.ask(self.socket, "GET", "/health/ready", 5).status == 200)
        self.until(lambda: any(worker["rss_mb"] for worker in self.status()["workers"]))
        return self.status()

    def status(self) -> dict[str, Any]:
        return json.loads(client.ask(self.socket, "GET", "/status", SECONDS).body)

    def decide(self, event: Event) -> bytes:
        """Ask for the whole decision as JSON."""
        form = f"eid={event.id}&mid={event.monitor_id}&path={event.path}&json=1".encode()
        return client.ask(self.socket, "POST", "/decide", SECONDS, form).body

    def log(self) -> str:
        return "".join(path.read_text() for path in (self.folder / "data/logs").glob("*.log"))

    def processes(self, *words: str) -> list[int]:
        """Return our processes that live, or those whose command line has these words."""
        mark = f"ZMHOOK_RUN={self.run}\0".encode()
        return [
            pid
            for pid in (int(path.name) for path in Path("/proc").glob("[0-9]*"))
            if pid != os.getpid() and mark in proc(pid, "environ") + b"\0"
            if all(word.encode() in proc(pid, "cmdline").split(b"\0") for word in words)
        ]

    def supervisors(self) -> list[int]:
        return self.processes("zmhook.server")

    def workers(self) -> list[int]:
        return self.processes("zmhook.service.worker")

    def until(self, holds: Callable[[], object], seconds: float = SECONDS) -> None:
        end = time.monotonic() + seconds
        while not _true(holds):
            assert time.monotonic() < end, "it never came to that"
            time.sleep(0.02)

    def gone(self) -> None:
        """Wait until nothing of the service is left."""
        self.until(lambda: not self.processes())
        assert not self.socket.exists()

    def close(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            with suppress(AssertionError):
                self.until(lambda: not self.processes(), 8)
        for child in self.children:
            child.wait(SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _plugin(self) -> Path:
        """Install a package with a detector `faulty`, as pip would."""
        folder = self.folder / "plugin"
        about = folder / "faulty-1.0.dist-info"
        about.mkdir(parents=True)
        (folder / "faulty.py").write_text(FAULTY)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[zmhook.detectors]\nfaulty = faulty:Faulty\n")
        return folder


def _true(holds: Callable[[], object]) -> bool:
    try:
        return bool(holds())
    except client.NoService:
        return False


def proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def end(process: subprocess.Popen[bytes]) -> Said:
    out, err = process.communicate(timeout=SECONDS * 2)
    return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture(scope="session")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project: a service ends when somebody edits the files it was started from."""
    return copied(root, tmp_path_factory.mktemp("installed"))


def copied(root: Path, to: Path) -> Path:
    for name in ("bin", "hook/zmhook"):
        shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "zm_event_start.sh", to)
    return to


@pytest.fixture
def site(installed: Path, assets: Path) -> Iterator[Site]:
    site = Site(installed, assets)
    yield site
    site.close()


@pytest.fixture(scope="module")
def shared(installed: Path, assets: Path) -> Iterator[Site]:
    """One service for the tests that leave it as it was."""
    site = Site(installed, assets)
    site.warm()
    yield site
    site.close()


@pytest.fixture(scope="session")
def make_site() -> type[Site]:
    """For those who set more than one up."""
    return Site


@pytest.fixture
def faulty(site: Site) -> Site:
    """A warm service whose chain begins with the faulty model."""
    site.write("models = faulty,yolo")
    site.warm()
    return site


@pytest.fixture
def upgradable(site: Site) -> Site:
    """One whose installation is its own, so that it may be changed."""
    site.root = copied(site.root, site.folder / "installed")
    return site


@pytest.fixture
def ended() -> Callable[[subprocess.Popen[bytes]], Said]:
    return end
