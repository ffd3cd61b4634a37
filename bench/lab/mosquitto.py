"""Run a real broker on a free local port, and publish to it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion

HOST = "127.0.0.1"
START_TIMEOUT = 20.0
SECONDS = 60.0
"""Seconds that the broker may take for one step before the bench gives up."""
UNDER_WAY = 100
"""Messages that are published before the first one is acknowledged."""


class Mosquitto:
    """A broker that runs while the context lasts, and keeps messages for sessions on disk."""

    def __init__(self) -> None:
        found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if found is None:
            raise SystemExit("there is no mosquitto: apt-get install mosquitto")
        self._program = found
        self.port = _free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="zmb-broker"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Mosquitto:
        config = self.folder / "mosquitto.conf"
        # As in docs/camera-setup.md, with larger limits: a bench queues more messages.
        config.write_text(
            f"listener {self.port} {HOST}\nallow_anonymous true\nuser root\n"
            f"persistence true\npersistence_location {self.folder}/\n"
            "max_queued_messages 0\nmax_queued_bytes 0\n",
            encoding="utf-8",
        )
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.kill()  # nobody needs what it would write at a clean end
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def subscribe(self, client_id: str, topic: str) -> None:
        """Subscribe a session to a topic and disconnect, so that the broker keeps its messages."""
        granted = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
        client.on_subscribe = lambda *_: granted.set()
        with self._connected(client):
            client.subscribe(topic, qos=1)
            if not granted.wait(SECONDS):
                raise SystemExit("the broker does not answer")

    def publish(self, topic: str, payloads: Iterable[bytes]) -> None:
        """Publish at QoS 1; the broker has all of them when this returns."""
        client = Client(CallbackAPIVersion.VERSION2)
        client.max_inflight_messages_set(UNDER_WAY)
        waiting: deque[MQTTMessageInfo] = deque()
        with self._connected(client):
            for payload in payloads:
                waiting.append(client.publish(topic, payload, qos=1))
                if len(waiting) >= UNDER_WAY:
                    _wait_for(waiting.popleft())
            while waiting:
                _wait_for(waiting.popleft())

    @contextlib.contextmanager
    def _connected(self, client: Client) -> Iterator[None]:
        client.connect(HOST, self.port)
        client.loop_start()
        try:
            yield
        finally:
            client.disconnect()
            client.loop_stop()

    def _wait(self) -> None:
        end = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            if time.monotonic() > end or self._process.poll() is not None:
                said = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                raise SystemExit(f"mosquitto does not come up: {said}")
            time.sleep(0.02)


def _wait_for(message: MQTTMessageInfo) -> None:
    message.wait_for_publish(SECONDS)
    if not message.is_published():
        raise SystemExit("the broker does not acknowledge what is published")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return found.getsockname()[1]
