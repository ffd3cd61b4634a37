"""A real collector, started as its user would and ended by process id; and what cameras send."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from zmhook.snapshots import status
from zmhook.snapshots.snapshot import StoredSnapshot
from zmhook.snapshots.store.index import Index

SECONDS = 30
"""How long anything here may take before it counts as never; a machine under load is slow."""


def until(condition: Callable[[], object], what: str = "") -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"never: {what or condition}"
        time.sleep(0.02)


def picture(number: int) -> bytes:
    """Return a small JPEG that no other number has."""
    import cv2
    import numpy as np

    image = np.full((48, 64, 3), number % 200, np.uint8)
    cv2.putText(image, str(number), (2, 30), cv2.FONT_HERSHEY_PLAIN, 1, (255, 255, 255))
    return bytes(cv2.imencode(".jpg", image)[1])


def track(number: int, label: str = "Human", image: bytes | None = None, **more: object) -> bytes:
    """Return a consolidated track as a camera sends it."""
    data = base64.b64encode(image or picture(number)).decode()
    box = {"left": 0.4, "top": 0.4, "right": 0.6, "bottom": 0.9}
    content = {
        "id": f"track-{number}",
        "start_time": "2026-03-20T10:17:45.524804Z",
        "end_time": "2026-03-20T10:17:48.524804Z",
        "duration": 3.0,
        "classes": [{"type": label, "score": 0.8}],
        "image": {"data": data, "bounding_box": box},
        **more,
    }
    return json.dumps(content).encode()


class Collector:
    """The daemon, its configuration and its store, all below `folder`."""

    def __init__(self, root: Path, folder: Path, broker: object) -> None:
        self.root = root
        self.folder = folder
        self.store = folder / "store"
        self.mqtt = {
            "mqtt_host": broker.host,
            "mqtt_port": broker.port,
            "mqtt_user": broker.user,
            "mqtt_password": broker.password,
            "mqtt_topic": "cameras/{camera}/track",
        }
        self.snapshots = {"snapshot_path": self.store, "snapshot_disk_reserve": 1}
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(folder)}

    def configure(self) -> Path:
        path = self.folder / "objectconfig.ini"
        lines = [f"[general]\nbase_data_path = {self.folder}\nbase_zm_conf_path = {self.folder}"]
        for section, keys in (("mqtt", self.mqtt), ("snapshots", self.snapshots)):
            lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items())]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def start(self, *args: str) -> Collector:
        command = [sys.executable, self.root / "bin" / "zm_snapshots.py"]
        given = args or ("-c", str(self.configure()))
        with (self.folder / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, *given],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )
        return self

    def listening(self, *args: str) -> Collector:
        before = self.log().count("subscribed to")
        self.start(*args)
        until(lambda: self.log().count("subscribed to") > before, "listening")
        return self

    def stop(self) -> int:
        """End it properly; return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def log(self) -> str:
        return "".join(file.read_text() for file in self.folder.glob("logs/*.log"))

    def said(self) -> str:
        """Return what was written to the terminal."""
        return (self.folder / "stderr").read_text()

    def rows(self) -> list[StoredSnapshot]:
        """Return what is stored, the oldest number first."""
        if not self.store.is_dir() or not any(self.store.glob("*.sqlite")):
            return []
        with Index.open(self.store) as index:
            return sorted(index.rows(limit=-1), key=lambda row: row.number)

    def tracks(self) -> Counter[str]:
        return Counter(row.track_id for row in self.rows())

    def status(self) -> status.CollectorStatus:
        found = status.read(self.store)
        assert found is not None
        return found

    def has(self, *numbers: int) -> None:
        """Wait until just these are stored, each once, with their files."""
        wanted = Counter(f"track-{number}" for number in numbers)
        until(lambda: sum(self.tracks().values()) >= len(wanted), f"{len(wanted)} are stored")
        assert self.tracks() == wanted
        assert all((self.store / row.file).stat().st_size == row.size for row in self.rows())

    def _end(self, number: int) -> int:
        process, self.process = self.process, None
        assert process
        process.send_signal(number)
        return process.wait(SECONDS)

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(SECONDS)


@pytest.fixture
def make_collector(root: Path, tmp_path: Path) -> Iterator[Callable[..., Collector]]:
    """Make collectors that are not started yet."""
    with ExitStack() as stack:

        def make(broker: object) -> Collector:
            collector = Collector(root, tmp_path, broker)
            stack.callback(collector.close)
            return collector

        yield make


@pytest.fixture
def collector(make_collector: Callable[..., Collector], broker: object) -> Collector:
    """A collector for the broker that runs; not started yet."""
    return make_collector(broker)


@pytest.fixture(name="track", scope="session")
def _track() -> Callable[..., bytes]:
    return track


@pytest.fixture(name="picture", scope="session")
def _picture() -> Callable[[int], bytes]:
    return picture


@pytest.fixture(name="until", scope="session")
def _until() -> Callable[..., None]:
    return until
