"""Run the service as hooks start it, in its own folder, with hooks that use it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "hook"))

from zmhook.service import client  # noqa: E402 - found by the line above
from zmhook.service.paths import socket_name  # noqa: E402

SCRIPT = ROOT / "zm_event_start.sh"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
HOOK_TIMEOUT = 120.0
TURN = 0.05


class Service:
    """A service that runs while the context lasts.

    `general` and `yolo` are lines of these sections, `rest` are further sections.
    """

    def __init__(
        self, model: Path, photo: Path, *, general: str = "", yolo: str = "", rest: str = ""
    ) -> None:
        # A socket's path may have 107 bytes, so the folder must not be deep.
        self.folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="zmb"))
        self.photo = photo
        self.config = self.folder / "o.ini"
        self.config.write_text(
            f"[general]\nbase_data_path = {self.folder}\nbase_zm_conf_path = {self.folder}\n"
            f"models = yolo\n{general}\n[yolo]\nweights = {model}\n{yolo}\n{rest}\n",
            encoding="utf-8",
        )
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "ZMHOOK_CONFIG": str(self.config),
            "ZMHOOK_PYTHON": sys.executable,
            "ZMHOOK_RUN": str(self.folder),
        }
        self.socket = self.folder / f"{socket_name(self.config)}.sock"

    def __enter__(self) -> Service:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        pids = self.pids()
        with contextlib.suppress(client.NoService):
            client.ask(self.socket, "POST", "/stop", 5)
        end = time.monotonic() + STOP_TIMEOUT
        while any(_is_alive(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(TURN)
        for pid in filter(_is_alive, pids):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def event(self, monitor: int, photo: Path | None = None) -> Path:
        """Return an event's folder with the photo as its snapshot and alarm frame."""
        folder = self.folder / "events" / str(monitor) / (photo.stem if photo else "1")
        if not folder.exists():
            folder.mkdir(parents=True)
            for name in ("snapshot.jpg", "alarm.jpg"):
                shutil.copy(photo or self.photo, folder / name)
        return folder

    def hook(self, monitor: int, eid: int = 1) -> list[str]:
        """Return the command that ZoneMinder would run."""
        folder = str(self.event(monitor))
        return [str(SCRIPT), str(eid), str(monitor), f"Monitor {monitor}", "Motion All", folder]

    def run(self, monitor: int, eid: int = 1) -> str:
        """Run a hook; return its line. Raise when it does not detect the dog."""
        done = subprocess.run(
            self.hook(monitor, eid),
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HOOK_TIMEOUT,
            check=False,
        )
        if done.returncode or "dog" not in done.stdout:
            said = done.stderr or done.stdout or "without a word; zmhook's log says why"
            raise SystemExit(f"the hook ended with {done.returncode}: {said}")
        return done.stdout

    def decide(self, monitor: int, photo: Path) -> dict:
        """Return the whole decision about a photo."""
        form = {"eid": 1, "mid": monitor, "path": self.event(monitor, photo), "json": 1}
        body = urlencode(form).encode()
        return json.loads(client.ask(self.socket, "POST", "/decide", 60, body).body)

    def status(self) -> dict:
        return json.loads(client.ask(self.socket, "GET", "/status", 5).body)

    def threads(self) -> int:
        """Return the threads of the worker for single events."""
        found = re.search(r"(\d+) threads", self.status()["workers"][0]["models"][0])
        return int(found[1]) if found else 1

    def pids(self) -> list[int]:
        """Return the processes: the supervisor's, then the workers'."""
        try:
            said = self.status()
        except client.NoService:
            return []
        return [said["pid"], *(one["pid"] for one in said["workers"] if one["pid"])]

    def pss_mb(self) -> float:
        """Return the memory of all its processes, with shared memory divided between its users."""
        return sum(pss_mb(pid) for pid in self.pids())

    def open_files(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.pids())

    def _start(self) -> None:
        """Run a hook, which finds no service and starts one."""
        self.run(1)
        end = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if time.monotonic() > end:
                raise SystemExit(f"the service did not come up at {self.socket}")
            time.sleep(TURN)

    def _is_ready(self) -> bool:
        try:
            return all(worker["models"] for worker in self.status()["workers"])
        except client.NoService:
            return False


def pss_mb(pid: int | str) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:  # it has just ended
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1024


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
