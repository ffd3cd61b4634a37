"""A server that behaves as an Axis camera does by its documented HTTP API."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import secrets
import ssl
import sys
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TOPIC = re.compile(r"^([a-zA-Z0-9_-]+)(/[a-zA-Z0-9_-]+)*$")
REALM = "AXIS_ACCC8E000001"
SOURCES = (
    "com.axis.analytics_scene_description.v0.beta#1",
    "com.axis.consolidated_track.v1.beta#1",
    "com.axis.scene.object_track.v1#1",
    "com.axis.scene.object_snapshot.v1#1",
)


@dataclass
class FakeCamera:
    """What the camera is set to, what it has, how it behaves; tests change it as they like.

    Firmware of 12.8 unless told otherwise. `connects` says what its MQTT client reports once it is
    active, `asked` are the calls that it has had after login.
    """

    user: str = "root"
    password: str = "c4mera-pass"
    login: str = "digest"
    snapshot_path: str = "/config/rest/object-snapshot/v1"
    analytics_path: str = "/config/rest/analytics-mqtt/v1"
    has_client: bool = True
    sources: tuple[str, ...] = SOURCES
    connects: str = "Connected"
    config: dict[str, Any] = field(default_factory=dict)
    mqtt_password: str = ""
    active: bool = False
    snapshots: dict[str, bool] = field(default_factory=lambda: {"enabled": False, "margin": False})
    publishers: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse: dict[str, tuple[int, str]] = field(default_factory=dict)
    page: bytes | None = None
    status: int | None = None
    silent: bool = False
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    base: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return self.base.partition("//")[2]

    @property
    def changes(self) -> list[str]:
        """What was asked that changes something, shortly."""
        said = []
        for method, path, body in self.asked:
            if path.endswith("client.cgi") and body["method"] != "getClientStatus":
                said.append(body["method"])
            elif path.startswith("/config") and method != "GET":
                said.append(f"{method} {path}")
        return said

    # -- answers ---------------------------------------------------------------------------------

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path, body))
        if path == "/axis-cgi/basicdeviceinfo.cgi":
            return 200, {"apiVersion": "1.0", "data": {"propertyList": self._properties()}}
        if path == "/axis-cgi/mqtt/client.cgi" and self.has_client:
            return 200, self._client(body)
        if path == self.snapshot_path:
            return self._snapshots(method, body)
        if path == f"{self.analytics_path}/data_sources" and method == "GET":
            return 200, _success({"data_sources": [{"key": key} for key in self.sources]})
        if path.startswith(f"{self.analytics_path}/publishers"):
            return self._publishers(method, path, body)
        return 404, None

    def _properties(self) -> dict[str, str]:
        return {
            "ProdFullName": "AXIS P3265-V Dome Camera",
            "SerialNumber": "ACCC8E000001",
            "Version": "12.8.61",
        }

    def _client(self, body: Any) -> dict[str, Any]:
        name = body.get("method")
        head = {"apiVersion": body["apiVersion"], "context": body["context"], "method": name}
        if name in self.refuse:
            code, message = self.refuse[name]
            return {**head, "error": {"code": code, "message": message}}
        if name == "getClientStatus":
            return {**head, "data": {"config": self.config, "status": self._status()}}
        if name == "configureClient":
            error = self._configure(body.get("params"))
            return {**head, "error": error} if error else {**head, "data": {}}
        if name in ("activateClient", "deactivateClient"):
            if not self.config:
                return {**head, "error": {"code": 1100, "message": "No configuration"}}
            self.active = name == "activateClient"
            return {**head, "data": {}}
        return {**head, "error": {"code": 2102, "message": "Method not supported"}}

    def _status(self) -> dict[str, str]:
        connection = self.connects if self.active else "not connected"
        return {"state": "active" if self.active else "inactive", "connectionStatus": connection}

    def _configure(self, params: Any) -> dict[str, Any] | None:
        server = (params or {}).get("server") or {}
        if not server.get("host"):
            return {"code": 2103, "message": "Required parameter missing"}
        if server.get("protocol") not in ("tcp", "ssl", "ws", "wss"):
            return {"code": 2104, "message": "Invalid parameter value specified"}
        if not params.get("keepExistingPassword"):
            self.mqtt_password = params.get("password", "")
        self.config = {
            key: value
            for key, value in params.items()
            if key not in ("password", "keepExistingPassword")
        }
        return None

    def _snapshots(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, _success(self.snapshots)
        if method == "PATCH" and isinstance(body.get("data"), dict):
            self.snapshots = {**self.snapshots, **body["data"]}
            return 200, {"status": "success"}
        return 405, _failure(405, "Method not allowed")

    def _publishers(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        name = path.removeprefix(f"{self.analytics_path}/publishers").strip("/")
        if method == "GET" and not name:
            listed = [
                {"key" if key == "data_source_key" else key: value for key, value in one.items()}
                for one in self.publishers.values()
            ]
            return 200, _success(listed)
        if method == "POST" and not name:
            return self._add(body["data"])
        if method == "DELETE" and name in self.publishers:
            del self.publishers[name]
            return 200, {"status": "success"}
        return 404, _failure(404, "Not found")

    def _add(self, data: dict[str, Any]) -> tuple[int, Any]:
        if data["id"] in self.publishers:
            return 400, _failure(3, "Entity already exists")
        if data["data_source_key"] not in self.sources or not TOPIC.match(data["mqtt_topic"]):
            return 400, _failure(4, "Invalid value")
        if "publish" in self.refuse:
            return 500, _failure(*self.refuse["publish"])
        self.publishers[data["id"]] = data
        return 201, {"status": "success"}


def _success(data: Any) -> dict[str, Any]:
    return {"status": "success", "data": data}


def _failure(code: int, message: str) -> dict[str, Any]:
    return {"status": "error", "error": {"code": code, "message": message}}


class Handler(BaseHTTPRequestHandler):
    """Login, then whatever the camera says."""

    protocol_version = "HTTP/1.1"
    timeout = 5
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def camera(self) -> FakeCamera:
        return self.server.camera

    def do_GET(self) -> None:
        self._do()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class looks for these

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        camera = self.camera
        if camera.silent:
            camera.released.wait(10)
            return
        if camera.status and camera.status != 401:
            self._send(camera.status, camera.page or b"", {"Location": "https://127.0.0.1/"})
        elif not self._knows():
            self._send(401, b"<html>Unauthorized</html>", self._challenge())
        elif camera.page is not None:
            self._send(200, camera.page, {})
        else:
            status, content = camera.answer(self.command, self.path, json.loads(body or b"null"))
            page = b"<html>Not Found</html>" if content is None else json.dumps(content).encode()
            self._send(status, page, {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _challenge(self) -> dict[str, str]:
        if self.camera.login == "basic":
            return {"WWW-Authenticate": f'Basic realm="{REALM}"'}
        digest = f'Digest realm="{REALM}", nonce="{self.server.nonce}", algorithm=MD5, qop="auth"'
        return {"WWW-Authenticate": digest}

    def _knows(self) -> bool:
        scheme, _, rest = self.headers.get("Authorization", "").partition(" ")
        camera = self.camera
        if scheme != camera.login.capitalize():
            return False
        if scheme == "Basic":
            return b64decode(rest).decode() == f"{camera.user}:{camera.password}"
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', rest))
        first = _md5(f"{camera.user}:{REALM}:{camera.password}")
        second = _md5(f"{self.command}:{given['uri']}")
        parts = (first, given["nonce"], given["nc"], given["cnonce"], given["qop"], second)
        return (
            given["nonce"] == self.server.nonce
            and given["uri"] == self.path
            and given["response"] == _md5(":".join(parts))
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        pass


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Server(ThreadingHTTPServer):
    """A camera on a free port, by https where it has a certificate."""

    daemon_threads = True

    def __init__(self, camera: FakeCamera, certificate: tuple[Path, Path] | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.camera = camera
        self.nonce = secrets.token_hex(8)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        scheme = "https" if certificate else "http"
        camera.base = f"{scheme}://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes, or does not trust us, is no trouble of ours."""


@pytest.fixture
def make_camera() -> Iterator[Callable[..., FakeCamera]]:
    with ExitStack() as stack:

        def make(certificate: tuple[Path, Path] | None = None, **known: Any) -> FakeCamera:
            camera = FakeCamera(**known)
            server = Server(camera, certificate)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            stack.callback(camera.released.set)
            return camera

        yield make


@pytest.fixture
def camera(make_camera: Callable[..., FakeCamera]) -> FakeCamera:
    """A camera of today's firmware that nobody has set up."""
    return make_camera()


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write the configuration that commands find; its data folder is of this test."""

    def write(rest: str = "") -> Path:
        file = tmp_path / "objectconfig.ini"
        file.write_text(f"[general]\nbase_data_path = {tmp_path}/data\n{rest}\n", "utf-8")
        monkeypatch.setenv("ZMHOOK_CONFIG", str(file))
        return file

    return write


@dataclass
class Ran:
    """What a command printed and returned."""

    code: int
    out: str
    err: str


@pytest.fixture
def zmhook(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    settings_file: Callable[[str], Path],
) -> Callable[..., Ran]:
    """Run `zmhook camera …` in this process, where there is no terminal to ask at."""
    from zmhook.cli.main import main

    settings_file("")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    monkeypatch.delenv("ZMHOOK_BROKER_PASSWORD", raising=False)
    monkeypatch.setenv("ZMHOOK_CAMERA_PASSWORD", FakeCamera.password)

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        try:
            code = main(["camera", *map(os.fspath, map(str, arguments))])
        except SystemExit as stopped:
            code = int(str(stopped.code))
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run
