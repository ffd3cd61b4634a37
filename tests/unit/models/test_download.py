"""One file from a real server on loopback that cuts, refuses, redirects and lies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import resource
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zmhook.errors import DownloadError
from zmhook.models import download as module
from zmhook.models.download import ATTEMPTS, download
from zmhook.models.manifest import ManifestFile

DATA = os.urandom(300_000)
SHA = hashlib.sha256(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves DATA as the path says; notes each path and Range it was asked for."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        times = sum(1 for path, _ in self.seen if path == self.path)
        self.seen.append((self.path, asked))
        getattr(self, self.path.strip("/").replace("-", "_"))(asked, times)

    def file(self, asked: str | None, _times: int) -> None:
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        if start >= len(DATA):
            self.answer(416, b"")
        elif start:
            self.answer(206, DATA[start:], {"Content-Range": f"bytes {start}-{len(DATA)}/*"})
        else:
            self.answer(200, DATA)

    def no_range(self, _asked: str | None, _times: int) -> None:
        self.answer(200, DATA)

    def wrong_range(self, _asked: str | None, _times: int) -> None:
        self.answer(206, DATA[1:], {"Content-Range": f"bytes 1-{len(DATA)}/*"})

    def cut_once(self, asked: str | None, times: int) -> None:
        if times:
            self.file(asked, times)
        else:
            self.answer(200, DATA[:100_000], length=len(DATA))

    def always_cut(self, _asked: str | None, _times: int) -> None:
        self.answer(200, DATA[:1000], length=len(DATA))

    def busy_once(self, asked: str | None, times: int) -> None:
        if times:
            self.file(asked, times)
        else:
            self.answer(503, b"")

    def not_found(self, _asked: str | None, _times: int) -> None:
        self.answer(404, b"no")

    def other(self, _asked: str | None, _times: int) -> None:
        self.answer(200, b"\0" * len(DATA))

    def login_page(self, _asked: str | None, _times: int) -> None:
        self.answer(200, b"<html>log in</html>")

    def endless(self, _asked: str | None, _times: int) -> None:
        self.answer(200, DATA * 20)

    def moved(self, _asked: str | None, _times: int) -> None:
        self.answer(302, b"", {"Location": "/file"})

    def silent(self, _asked: str | None, _times: int) -> None:
        self.server.release.wait(10)
        self.close_connection = True

    def trickle(self, _asked: str | None, _times: int) -> None:
        self.answer(200, b"", length=len(DATA))
        while not self.server.release.wait(0.02):
            self.wfile.write(b"x")

    def answer(
        self,
        code: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(code)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have had enough of it
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that leaves is what some of these tests are about."""


@pytest.fixture
def server() -> Iterator[Server]:
    handler = type("Recorder", (Handler,), {"seen": []})
    server = Server(("127.0.0.1", 0), handler)
    server.release = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def file(server: Server) -> Callable[..., ManifestFile]:
    def make(*paths: str, size: int | None = len(DATA)) -> ManifestFile:
        urls = tuple(f"http://127.0.0.1:{server.server_port}/{path}" for path in paths)
        return ManifestFile("m/m.onnx", SHA, urls, size)

    return make


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "m" / "m.onnx"


def fetch(file: ManifestFile, target: Path) -> tuple[list[tuple[int, int | None]], list[float]]:
    """Return what the progress was told and the pauses that were made."""
    told: list[tuple[int, int | None]] = []
    pauses: list[float] = []
    download(file, target, lambda done, total: told.append((done, total)), pauses.append)
    return told, pauses


def part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def test_a_file_arrives_whole_and_readable_for_others(file, target: Path):
    old = os.umask(0o077)
    try:
        told, pauses = fetch(file("file"), target)
    finally:
        os.umask(old)
    assert target.read_bytes() == DATA
    assert target.stat().st_mode & 0o777 == 0o644
    assert target.parent.stat().st_mode & 0o777 == 0o755
    assert not part_of(target).exists()
    assert told[0] == (0, len(DATA))
    assert told[-1] == (len(DATA), len(DATA))
    assert pauses == []


def test_a_part_from_before_is_continued(file, target: Path, server: Server):
    target.parent.mkdir()
    part_of(target).write_bytes(DATA[:123_456])
    told, _ = fetch(file("file"), target)
    assert target.read_bytes() == DATA
    assert server.RequestHandlerClass.seen == [("/file", "bytes=123456-")]
    assert told[0] == (123_456, len(DATA))


def test_a_part_that_is_complete_needs_no_server(file, target: Path, server: Server):
    target.parent.mkdir()
    part_of(target).write_bytes(DATA)
    fetch(file("file"), target)
    assert target.read_bytes() == DATA
    assert server.RequestHandlerClass.seen == []


def test_a_complete_part_of_unknown_size_is_recognised(file, target: Path):
    target.parent.mkdir()
    part_of(target).write_bytes(DATA)
    fetch(file("file", size=None), target)
    assert target.read_bytes() == DATA


def test_a_part_of_another_file_is_thrown_away(file, target: Path):
    target.parent.mkdir()
    part_of(target).write_bytes(b"?" * 1000)
    fetch(file("file"), target)
    assert target.read_bytes() == DATA


def test_a_part_that_is_too_long_is_thrown_away(file, target: Path):
    target.parent.mkdir()
    part_of(target).write_bytes(DATA + b"?")
    fetch(file("file"), target)
    assert target.read_bytes() == DATA


def test_a_server_that_cannot_continue_sends_all_again(file, target: Path):
    target.parent.mkdir()
    part_of(target).write_bytes(DATA[:1000])
    fetch(file("no-range"), target)
    assert target.read_bytes() == DATA


def test_a_server_that_continues_elsewhere_is_left(file, target: Path):
    target.parent.mkdir()
    part_of(target).write_bytes(DATA[:1000])
    with pytest.raises(DownloadError, match="another part of the file"):
        fetch(file("wrong-range"), target)


def test_a_cut_connection_is_continued_where_it_was_cut(file, target: Path, server: Server):
    _, pauses = fetch(file("cut-once"), target)
    assert target.read_bytes() == DATA
    assert server.RequestHandlerClass.seen[1] == ("/cut-once", "bytes=100000-")
    assert len(pauses) == 1


def test_a_server_that_always_cuts_is_tried_a_bounded_number_of_times(
    file, target: Path, server: Server
):
    with pytest.raises(DownloadError, match="closed the connection before its response"):
        fetch(file("always-cut"), target)
    assert len(server.RequestHandlerClass.seen) == ATTEMPTS
    assert part_of(target).exists()


def test_a_busy_server_is_asked_again(file, target: Path):
    _, pauses = fetch(file("busy-once"), target)
    assert target.read_bytes() == DATA
    assert len(pauses) == 1


def test_the_next_address_is_tried_and_each_refusal_is_told(file, target: Path):
    fetch(file("not-found", "login-page", "file"), target)
    assert target.read_bytes() == DATA
    target.unlink()
    with pytest.raises(DownloadError) as caught:
        fetch(file("not-found", "login-page"), target)
    said = str(caught.value)
    assert said.startswith("m.onnx cannot be fetched: HTTP 404 (http://127.0.0.1:")
    assert "/not-found); from another address: it is another file than expected" in said
    assert said.count("http") == 1
    assert "\n" not in said


def test_what_all_addresses_say_is_told_once(file, target: Path):
    with pytest.raises(DownloadError, match=r"fetched: HTTP 404 \(\S+/not-found\)$"):
        fetch(file("not-found", "not-found"), target)


@pytest.mark.parametrize("path", ["other", "login-page"])
def test_another_file_never_gets_the_name(path: str, file, target: Path, server: Server):
    with pytest.raises(DownloadError, match="sha256 differs"):
        fetch(file(path), target)
    assert list(target.parent.iterdir()) == []
    assert len(server.RequestHandlerClass.seen) == 1


@pytest.mark.parametrize("size", [len(DATA), None])
def test_more_than_expected_is_not_taken_in(size: int | None, file, target: Path):
    with pytest.raises(DownloadError, match="larger than the"):
        fetch(file("endless", size=size), target)
    assert list(target.parent.iterdir()) == []


def test_a_redirect_is_followed(file, target: Path):
    fetch(file("moved"), target)
    assert target.read_bytes() == DATA


def test_a_silent_server_is_left_in_time(file, target: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    with pytest.raises(DownloadError, match=r"no complete response within 0\.1 s"):
        fetch(file("silent"), target)


def test_a_server_that_trickles_is_left_in_time(
    file, target: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    monkeypatch.setattr(module, "SLOWEST", 10_000_000)
    with pytest.raises(DownloadError, match="less than 10000000 bytes a second"):
        fetch(file("trickle"), target)


def test_a_refused_connection_says_so(target: Path):
    url = "http://127.0.0.1:9/m.onnx"
    with pytest.raises(DownloadError, match=r"refused the connection.*127\.0\.0\.1:9/m\.onnx"):
        fetch(ManifestFile("m", SHA, (url,), 1), target)


def test_without_a_network_it_says_so_at_once(target: Path):
    with pytest.raises(DownloadError, match="its host name cannot be resolved") as caught:
        download(
            ManifestFile("m", SHA, ("http://nowhere.invalid/m.onnx",), 1),
            target,
            lambda *_: None,
            lambda _: pytest.fail("it waited"),
        )
    assert "nowhere.invalid" in str(caught.value)


def test_a_disk_that_takes_no_more_is_told_and_keeps_what_was_there(file, tmp_path: Path):
    target = tmp_path / "m.onnx"
    target.write_bytes(b"old")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(DownloadError, match=r"m\.onnx cannot be written: File too large"):
            fetch(file("file"), target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert target.read_bytes() == b"old"


def test_a_folder_that_cannot_be_made_is_told(file, tmp_path: Path):
    (tmp_path / "m").write_text("a file where a folder should be")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(file("file"), tmp_path / "m" / "m.onnx")
