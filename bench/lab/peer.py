"""Run pyzm 2.5.6's server with the same model in its own environment, with a lean client."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT = 60.0
ANSWER_TIMEOUT = 60.0
BOUNDARY = "zmhook-bench"
PART = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {{}}\r\n\r\n"


class PeerServer:
    """A server that runs on a free local port while the context lasts."""

    def __init__(self, python: Path, model: Path) -> None:
        self._command = [str(python), str(ROOT / "bench" / "peer_serve.py"), str(model)]
        self.port = 0

    def __enter__(self) -> PeerServer:
        self.port = _free_port()
        self._process = subprocess.Popen(
            [*self._command, str(self.port)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + START_TIMEOUT
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                raise SystemExit("pyzm.serve did not come up")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def infer(self, jpeg: bytes) -> None:
        """Post a JPEG as any web client would; raise when the server does not detect the dog."""
        body = b"".join(
            PART.format(head).encode() + value + b"\r\n"
            for head, value in (
                ('name="type"', b"object"),
                ('name="name"', b"yolo"),
                ('name="image"; filename="a.jpg"', jpeg),
            )
        )
        body += f"--{BOUNDARY}--\r\n".encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT)
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        connection.request("POST", "/infer", body, kind)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if "dog" not in [one["label"] for one in answer.get("detections", [])]:
            raise SystemExit(f"pyzm.serve answers {answer}")

    def _is_ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health")
            return bool(json.loads(connection.getresponse().read())["models_loaded"])
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
