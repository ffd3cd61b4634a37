"""Other machines ask over TCP: whoever may is answered, whoever may not does no harm."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.integration

SECONDS = 30
BOUNDARY = "b0undary"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A service that listens, and what others say to it."""

    def __init__(self, site: Any, *, general: str = "", service: str = "", rest: str = "") -> None:
        self.site = site
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        site.write(general, f"listen = 127.0.0.1:{self.port}\n{service}", rest)
        site.warm()
        self.password_file = site.folder / "data/cache/listen_password"
        self.token = ""

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Said:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        login = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with closing(connection):
            connection.request(method, path, body, {**login, **(headers or {})})
            answer = connection.getresponse()
            return Said(answer.status, dict(answer.getheaders()), answer.read())

    def log_in(self, password: str = "") -> Said:
        words = {
            "username": "zmhook",
            "password": password or self.password_file.read_text().strip(),
        }
        said = self.ask("POST", "/login", json.dumps(words))
        if said.status == 200:
            self.token = said.json["access_token"]
        return said

    def post(self, path: str, *parts: tuple[str, bytes] | tuple[str, str, bytes]) -> Said:
        return self.ask("POST", path, form(*parts), MULTIPART)

    def infer(self, picture: bytes, name: str = "yolo") -> Said:
        return self.post(
            "/infer", ("type", b"object"), ("name", name.encode()), ("image", "a", picture)
        )

    def talk(self, data: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        connection.sendall(data)
        return connection

    def memory(self) -> float:
        """Megabytes of the supervisor and its workers."""
        pids = [*self.site.supervisors(), *self.site.workers()]
        pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in set(pids))
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def is_well(self) -> bool:
        return self.ask("GET", "/health").json == {"status": "ok", "models_loaded": True}


def form(*parts: tuple[str, bytes] | tuple[str, str, bytes]) -> bytes:
    body = b""
    for name, *file_name, value in parts:
        more = f'; filename="{file_name[0]}"' if file_name else ""
        body += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        )
        body += value + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def server(site) -> Callable[..., Server]:
    return lambda **more: Server(site, **more)


@pytest.fixture(scope="module")
def one(installed: Path, assets: Path, shared) -> Iterator[Server]:
    """A server for the tests that leave it as it was."""
    made = type(shared)(installed, assets)
    try:
        server = Server(made, general="max_picture_pixels = 20000000")
        server.log_in()
        yield server
    finally:
        made.close()


@pytest.fixture
def dog(photo: Callable[[str], Path]) -> bytes:
    return photo("dog.jpg").read_bytes()


def labels(said: Said) -> list[str]:
    assert said.status == 200, said.body
    assert said.json["error"] is None
    return [found["label"] for found in said.json["detections"]]


def test_the_password_is_made_at_the_first_start(server: Callable[..., Server]) -> None:
    made = server()

    password = made.password_file.read_text().strip()
    assert len(password) >= 20
    assert stat.S_IMODE(made.password_file.stat().st_mode) == 0o600
    assert str(made.password_file) in made.site.log()
    assert password not in made.site.log()
    assert made.ask("GET", "/models").status == 401
    assert made.log_in("wrong").status == 401
    assert made.log_in().status == 200
    assert made.ask("GET", "/models").json["models"][0]["name"] == "yolo"
    assert password not in made.site.log() + json.dumps(made.site.status())
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in made.site.processes()]
    assert password.encode() not in b"".join(commands)


def test_after_a_restart_everybody_logs_in_again(server: Callable[..., Server], dog: bytes) -> None:
    made = server()
    made.log_in()
    assert "dog" in labels(made.infer(dog))
    before = made.password_file.read_text()

    os.kill(made.site.supervisors()[0], signal.SIGTERM)
    made.site.gone()
    made.site.warm()

    said = made.infer(dog)
    assert (said.status, "log in again" in said.json["detail"]) == (401, True)
    assert made.password_file.read_text() == before
    made.log_in()
    assert "dog" in labels(made.infer(dog))


def test_every_way_of_asking(one: Server, dog: bytes) -> None:
    """The same models, so the same answer."""
    infer = one.infer(dog).json["detections"]
    assert infer[0]["label"] == "dog"
    legacy = one.post("/api/v1/detect/object?type=object", ("file", "image.jpg", dog)).json
    assert [(found["label"], found["box"]) for found in legacy] == [
        (found["label"], found["box"]) for found in infer
    ]
    url = "/api/v1/detect/object?type=object&response_format=zm_detect"
    matched = one.post(url, ("file", "image.jpg", dog)).json["matched_data"]
    assert matched["labels"] == [found["label"] for found in infer]
    assert matched["image_dimensions"]["original"] == [576, 768]
    request = b'{"models": ["yolo"], "images": [{"id": "alarm"}, {"id": "snapshot"}]}'
    looked = one.post("/zmhook/v1/infer", ("request", request), *[("image", "a", dog)] * 2).json
    assert looked["sizes"] == [[768, 576]] * 2
    first, second = looked["results"]["yolo"]
    assert first == second
    assert [found["box"] for found in infer] == [
        found["box"] for found in first if found["confidence"] >= infer[-1]["confidence"]
    ][: len(infer)]


def test_the_clients_least_confidence_without_loading_anew(one: Server, dog: bytes) -> None:
    loaded = one.site.log().count("is a YOLOX network")
    few = one.post(
        "/infer", ("type", b"object"), ("min_confidence", b"0.5"), ("image", "a", dog)
    ).json["detections"]
    many = one.post(
        "/infer", ("type", b"object"), ("min_confidence", b"0.11"), ("image", "a", dog)
    ).json["detections"]

    assert len(few) < len(many)
    assert min(found["confidence"] for found in few) >= 0.5
    assert min(found["confidence"] for found in many) < 0.3
    assert one.site.log().count("is a YOLOX network") == loaded


def test_a_connection_stays_open(one: Server, dog: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=SECONDS)
    headers = {**MULTIPART, "Authorization": f"Bearer {one.token}"}
    with closing(connection):
        for _ in range(3):
            connection.request(
                "POST", "/infer", form(("type", b"object"), ("image", "a", dog)), headers
            )
            answer = connection.getresponse()
            assert b"dog" in answer.read()
            assert connection.sock is not None


def test_no_trace_is_left(one: Server, dog: bytes) -> None:
    before = one.site.status()["events"]
    files = {path.name for path in (one.site.folder / "data").rglob("*") if path.is_file()}
    one.infer(dog)

    assert one.site.status()["events"] == before
    assert {path.name for path in (one.site.folder / "data").rglob("*") if path.is_file()} == files


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
        )

    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_picture_that_is_a_bomb(one: Server, dog: bytes) -> None:
    """30000 x 30000 pixels in a few kilobytes: 2.7 GB when it is decoded."""
    rows = zlib.compress(b"\0" * 30_000_000, 9)
    before = one.memory()
    said = one.infer(png(30_000, 30_000, rows))

    assert said.status == 413
    assert "30000x30000 are more pixels" in said.json["detail"]
    assert one.memory() < before + 100
    assert "dog" in labels(one.infer(dog))


@pytest.mark.parametrize(
    "picture", [b"hello", b"<html></html>", b"\xff\xd8\xff", png(64, 64, b"x" * 50)], ids=range(4)
)
def test_what_is_no_picture(one: Server, picture: bytes) -> None:
    said = one.infer(picture)

    assert said.status == 400
    assert said.json["detail"].startswith("Could not decode image")


def test_one_that_is_cut_short(one: Server, dog: bytes) -> None:
    said = one.infer(dog[: len(dog) // 2])

    assert said.status == 400
    assert "cut short" in said.json["detail"]


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "yolo\0", "%2e%2e/", "YOLOv11 ONNX"]
)
def test_other_names_are_only_names(one: Server, dog: bytes, name: str) -> None:
    """The only model of its type answers to any, and no file is opened for it."""
    said = one.infer(dog, name)

    assert "dog" in labels(said)
    assert said.json["error"] is None
    assert b"root:" not in said.body


def test_a_gigabyte_that_says_so(one: Server) -> None:
    head = (
        f"POST /infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {one.token}\r\n"
        f"Content-Type: {MULTIPART['Content-Type']}\r\nContent-Length: 1000000000\r\n\r\n"
    )
    with closing(one.talk(head.encode())) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("token", ["", "wrong", "right"])
def test_a_gigabyte_that_does_not(one: Server, token: str) -> None:
    """It is cut off, and nothing of it stays in memory."""
    token = one.token if token == "right" else token
    before = one.memory()
    head = (
        f"POST /infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {MULTIPART['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    begin = form(("image", "a", b""))[: -len(BOUNDARY) - 8]
    sent, piece = 0, b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with closing(one.talk(head.encode() + b"%x\r\n%b\r\n" % (len(begin), begin))) as connection:
        try:
            while sent < 1_000_000_000:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
    assert sent < 300_000_000
    assert one.memory() < before + 100
    assert one.is_well()


def test_slow_callers_hold_nobody_up(one: Server, dog: bytes) -> None:
    """A hundred that say a byte now and then; the others notice nothing, and it ends."""
    half = f"POST /infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {one.token}\r\nX".encode()
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(one.talk(half))) for _ in range(100)]
        ended = 0
        until = time.monotonic() + SECONDS
        while ended < len(slow):
            assert time.monotonic() < until
            assert one.is_well()
            ended = sum(map(is_over, slow))
            time.sleep(0.2)
        assert "dog" in labels(one.infer(dog))


def is_over(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        connection.send(b"y")
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_many_who_guess_do_not_shut_out_who_knows(
    server: Callable[..., Server], dog: bytes
) -> None:
    made = server()
    made.log_in()
    said = [made.log_in("wrong").status for _ in range(8)]

    assert said == [401] * 5 + [429] * 3
    assert "dog" in labels(made.infer(dog))


def test_who_leaves_is_dropped(site, server: Callable[..., Server], dog: bytes) -> None:
    made = server(general="models = faulty,yolo")
    made.log_in()
    site.order("sleep 1.5")
    body = form(
        ("request", b'{"models": ["faulty"], "images": [{"id": "a"}]}'), ("image", "a", dog)
    )
    head = (
        f"POST /zmhook/v1/infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {made.token}\r\n"
        f"Content-Type: {MULTIPART['Content-Type']}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    first = made.talk(head + body)
    site.obeyed()
    second = made.talk(head + body)
    site.until(lambda: site.status()["queue"]["waiting"] == 1)
    assert site.status()["queue"]["per_monitor"] == {"127.0.0.1": 1}
    second.close()
    site.until(lambda: site.status()["dropped"] == 1)
    assert site.status()["queue"]["waiting"] == 0
    assert first.recv(4096).startswith(b"HTTP/1.1 200 ")
    first.close()


def test_a_full_queue_says_when_to_come_again(
    site, server: Callable[..., Server], dog: bytes
) -> None:
    made = server(general="models = faulty,yolo", service="service_queue = 1")
    made.log_in()
    site.order("sleep 2")
    request = ("request", b'{"models": ["faulty"], "images": [{"id": "a"}]}'), ("image", "a", dog)
    said: list[Said] = []
    threads = [
        threading.Thread(target=lambda: said.append(made.post("/zmhook/v1/infer", *request)))
        for _ in range(4)
    ]
    threads[0].start()
    site.obeyed()
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert sorted(one.status for one in said) == [200, 200, 503, 503]
    assert {one.headers["Retry-After"] for one in said if one.status == 503} == {"1"}


def test_a_model_that_crashes_costs_one_answer(
    site, server: Callable[..., Server], dog: bytes
) -> None:
    made = server(general="models = faulty,yolo")
    made.log_in()
    request = ("request", b'{"models": ["faulty"], "images": [{"id": "a"}]}'), ("image", "a", dog)
    site.order("crash", "crash")
    said = made.post("/zmhook/v1/infer", *request)
    assert (said.status, "ended by SIGSEGV, 2 times" in said.json["detail"]) == (500, True)
    assert made.post("/zmhook/v1/infer", *request).json["results"] == {"faulty": [[]]}


def test_events_here_and_looks_for_others_together(one: Server, dog: bytes) -> None:
    said: list[Said] = []
    threads = [threading.Thread(target=lambda: said.append(one.infer(dog))) for _ in range(6)]
    for thread in threads:
        thread.start()
    hook = one.site.hook()
    for thread in threads:
        thread.join(SECONDS)

    assert hook.text.startswith("[a] detected:dog")
    assert all("dog" in labels(answer) for answer in said)
    assert len(said) == 6


def test_https(site, certificates, dog: bytes) -> None:
    import ssl

    made = Server(
        site,
        service=f"listen_cert = {certificates.server}\nlisten_key = {certificates.server_key}",
    )
    context = ssl.create_default_context(cafile=str(certificates.ca))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", made.port, timeout=SECONDS, context=context
    )
    words = {"username": "zmhook", "password": made.password_file.read_text().strip()}
    with closing(connection):
        connection.request("POST", "/login", json.dumps(words))
        token = json.loads(connection.getresponse().read())["access_token"]
        headers = {**MULTIPART, "Authorization": f"Bearer {token}"}
        connection.request(
            "POST", "/infer", form(("type", b"object"), ("image", "a", dog)), headers
        )
        assert b"dog" in connection.getresponse().read()
    with pytest.raises((OSError, http.client.HTTPException)):
        made.ask("GET", "/health")


def test_another_password_holds_at_once(site, server: Callable[..., Server], dog: bytes) -> None:
    """And whoever was logged in by the old one is not any more, on open connections as well."""
    made = server(service="listen_password = the-old-one")
    assert made.log_in("the-old-one").status == 200
    held = http.client.HTTPConnection("127.0.0.1", made.port, timeout=SECONDS)
    token = {"Authorization": f"Bearer {made.token}"}
    with closing(held):
        held.request("GET", "/models", headers=token)
        assert held.getresponse().read()
        site.write("", f"listen = 127.0.0.1:{made.port}\nlisten_password = the-new-one")
        assert made.infer(dog).status == 401
        assert _is_hung_up_on(held.sock)
    assert made.log_in("the-old-one").status == 401
    assert made.log_in("the-new-one").status == 200
    assert "dog" in labels(made.infer(dog))
    assert "the-new-one" not in site.log()


def _is_hung_up_on(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_what_was_edited_wrongly_is_told(site, server: Callable[..., Server], dog: bytes) -> None:
    """A model that is not there leaves the one that is at work; its file may come later."""
    made = server()
    made.log_in()
    right = site.config.read_text()
    missing = site.folder / "missing.onnx"
    site.config.write_text(re.sub("weights = .*", f"weights = {missing}", right))
    assert "dog" in labels(made.infer(dog))
    assert f"{missing} does not exist" in site.status()["config_error"]
    shutil.copyfile(site.assets / "models" / "yolox_nano_416.onnx", missing)
    site.until(lambda: not site.status()["config_error"])
    site.config.write_text(right.replace("service_workers = 1", "service_workers = 2"))
    (problem,) = site.status()["problems"]
    assert "service_workers: changed, and in force after zmhook service restart" in problem


def test_a_renewed_certificate_is_used_at_once(site) -> None:
    import ssl

    import trustme

    def renew() -> ssl.SSLContext:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(site.folder / "cert.pem")
        issued.private_key_pem.write_to_path(site.folder / "key.pem")
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    before = renew()
    made = Server(
        site,
        service=f"listen_cert = {site.folder}/cert.pem\nlisten_key = {site.folder}/key.pem",
    )

    def answers(context: ssl.SSLContext) -> bool:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", made.port, timeout=SECONDS, context=context
        )
        with closing(connection):
            try:
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
            except OSError:
                return False

    assert answers(before)
    after = renew()
    site.until(lambda: answers(after))
    assert not answers(before)


def test_to_listen_may_be_wanted_later(site) -> None:
    site.warm()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert not _listens(port)
    site.write("", f"listen = 127.0.0.1:{port}")
    site.until(lambda: _listens(port))
    site.write()
    site.until(lambda: not _listens(port))


def test_the_command_names_the_address(site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**site.env, "PYTHONPATH": f"{site.root}/hook:{site.env['PYTHONPATH']}"}
    command = [sys.executable, "-m", "zmhook.cli.main", "serve", "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        site.until(lambda: _listens(port))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        process.terminate()
        assert process.wait(SECONDS) == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_who_listens_does_not_end_when_nothing_happens(server: Callable[..., Server]) -> None:
    made = server(service="service_idle_exit = 1")
    time.sleep(2.5)

    assert made.is_well()
