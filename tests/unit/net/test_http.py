"""One client, and servers that answer, refuse, hang, trickle, redirect and talk nonsense."""

from __future__ import annotations

import errno
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import requests

from zmhook.net.http import HttpClient, basic, bearer, silence_libraries
from zmhook.net.http_problem import HttpFailure, HttpProblem

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LIMIT = 100_000


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient(limit=LIMIT) as made:
        yield made


def problem(client: HttpClient, url: str, seconds: float = 0.3, **more: Any) -> HttpProblem:
    with pytest.raises(HttpProblem) as caught:
        client.request("GET", f"{url}/v1?token=s3cret", seconds, auth=bearer("s3cret"), **more)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.decode().partition("\r\n\r\n")[0].split("\r\n")[1:]
    return dict(line.lower().split(": ", 1) for line in lines)


def test_a_response_comes_with_its_status_and_headers(response_server, client) -> None:
    server = response_server(
        b"HTTP/1.1 418 No\r\nRetry-After: 7 \r\nContent-Length: 8\r\n\r\n[1, NaN]"
    )
    response = client.request("POST", f"{server.url}/a?token=x", 5, json={"a": 1})
    assert (response.status, response.retry_after, response.location) == (418, "7", "")
    assert response.json()[0] == 1
    assert response.address == f"{server.url}/a"
    assert headers_of(server.requests[0])["user-agent"].startswith("zmhook/")


@pytest.mark.parametrize("body", [b"", b"<p>", b"[" * 90_000])
def test_what_is_no_json_is_none(response_server, client, body: bytes) -> None:
    server = response_server(b"HTTP/1.0 200 OK\r\n\r\n" + body)
    assert client.request("GET", server.url, 5).json() is None


def test_redirects_are_not_followed(response_server, client) -> None:
    server = response_server(b"HTTP/1.1 302 Found\r\nLocation: http://other/\r\n\r\n")
    response = client.request("GET", server.url, 5)
    assert (response.status, response.location) == (302, "http://other/")


@pytest.mark.parametrize(
    ("auth", "value"),
    [
        (bearer("t"), "bearer t"),
        (bearer(""), None),
        (basic("ä", "ö"), "basic w6q6w7y="),
        (basic("", "p"), None),
        (None, None),
    ],
)
def test_only_the_login_that_was_asked_for(
    response_server, client, tmp_path, monkeypatch, auth, value: str | None
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = response_server(GOOD)
    client.request("GET", server.url, 5, auth=auth)
    assert headers_of(server.requests[0]).get("authorization") == value


def test_a_connection_is_kept(response_server, client) -> None:
    server = response_server(GOOD, GOOD, GOOD)
    for _ in range(3):
        client.request("GET", server.url, 5)
    assert server.count == 1


def test_a_connection_is_not_kept_where_that_was_asked_for(response_server) -> None:
    server = response_server(GOOD)
    client = HttpClient(limit=LIMIT, keep=False)
    for _ in range(3):
        client.request("GET", server.url, 5)
    assert server.count == 3


def test_a_kept_connection_that_was_closed_costs_one_more_attempt(raw_server, client) -> None:
    answered = threading.Event()

    def once(connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(GOOD)
        if not answered.is_set():
            answered.set()
            server.read_request(connection)  # the next one is taken, and never answered

    server = raw_server(once)
    for _ in range(2):
        assert client.request("GET", server.url, 5).status == 200
    assert server.count == 2


def test_a_fresh_connection_that_is_closed_is_not_tried_again(response_server, client) -> None:
    server = response_server(b"")
    assert problem(client, server.url, 5).failure is HttpFailure.CLOSED
    assert server.count == 1


@pytest.mark.parametrize(
    ("response", "failure"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "CLOSED"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "CLOSED"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "PROTOCOL"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n...", "COMPRESSED"),
    ],
)
def test_a_response_that_is_none(response_server, client, response: bytes, failure: str) -> None:
    assert problem(client, response_server(response).url, 5).failure is HttpFailure[failure]


def test_a_compressed_response_where_it_is_allowed(response_server) -> None:
    import gzip

    data = gzip.compress(b" " * LIMIT)
    server = response_server(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + data)
    with HttpClient(limit=LIMIT, compressed=True) as client:
        assert len(client.request("GET", server.url, 5).body) == LIMIT
    with HttpClient(limit=LIMIT - 1, compressed=True) as client:
        assert problem(client, server.url, 5).failure is HttpFailure.TOO_LARGE


def test_a_response_that_is_too_long_is_not_read_to_its_end(raw_server, client) -> None:
    sent = []

    def flood(connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.sendall(b" " * 1_000_000)
            sent.append(1)

    server = raw_server(flood)
    assert str(LIMIT) in str(problem(client, server.url, 10))
    assert len(sent) < 100


def test_a_request_may_have_a_limit_of_its_own(response_server, client) -> None:
    server = response_server(b"HTTP/1.0 200 OK\r\n\r\n12345")
    assert client.request("GET", server.url, 5, limit=5).body == b"12345"
    with pytest.raises(HttpProblem, match="more than 4 bytes"):
        client.request("GET", server.url, 5, limit=4)


def test_a_body_that_nobody_wants_is_not_read(response_server) -> None:
    server = response_server(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 1_000_000)
    with HttpClient(limit=None) as client:
        assert client.request("GET", server.url, 5).body == b""


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: "]
)
def test_a_server_that_sends_a_byte_now_and_then(raw_server, client, head: bytes) -> None:
    def trickle(connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(head)
        while not server.stopped.wait(0.05):
            connection.sendall(b"x" if head else b"")

    server = raw_server(trickle)
    assert "no complete response within 0.3 s" in str(problem(client, server.url))


def test_requests_that_never_end_are_bounded(raw_server, client) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not server.stopped.wait(0.02):  # no library's limit ends this
            connection.sendall(b"x")

    server = raw_server(trickle)
    for number in count(1):
        if problem(client, server.url, 0.06).failure is HttpFailure.PENDING:
            break
        assert number < 20
    assert server.count == number - 1


def test_no_time_is_no_request(response_server, client) -> None:
    server = response_server(GOOD)
    assert problem(client, server.url, 0.01).failure is HttpFailure.NO_TIME
    assert server.count == 0


def test_nobody_listens(client) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        assert problem(client, url, 5).failure is HttpFailure.REFUSED


def test_a_name_that_nobody_knows(client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert problem(client, "http://gpu.invalid", 5).failure is HttpFailure.NAME


def test_a_machine_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", late)
    with HttpClient(limit=LIMIT, connect_seconds=3) as client:
        assert "no connection within 3 s" in str(problem(client, "http://127.0.0.1:1", 5))


def test_no_way_there(client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    failed = problem(client, "http://127.0.0.1:1", 5)
    assert "cannot be reached (Network is unreachable)" in str(failed)


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://host/x", "http://", "http://[x/", "http://h:x/", "http://h:99999"]
)
def test_what_is_no_address(client, url: str) -> None:
    with pytest.raises(HttpProblem) as caught:
        client.request("GET", url, 5)
    assert caught.value.failure is HttpFailure.ADDRESS


def test_a_stream_follows_redirects_and_may_be_cut(response_server, client) -> None:
    def moved_to(url: str) -> bytes:
        return f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {url}\r\n\r\n".encode()

    target = response_server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
    server = response_server(moved_to(target.url))
    with client.stream(server.url, 5, {"Range": "bytes=4-"}) as stream:
        assert stream.status == 200
        assert next(stream.blocks) == b"hello"
        with pytest.raises(HttpProblem, match="closed the connection"):
            next(stream.blocks)
    assert headers_of(target.requests[0])["range"] == "bytes=4-"


def test_a_stream_that_cannot_be_opened(client) -> None:
    with pytest.raises(HttpProblem) as caught, client.stream("http://127.0.0.1:9/m?k=v", 5):
        pass
    assert (caught.value.failure, caught.value.__context__) == (HttpFailure.REFUSED, None)


def test_the_libraries_log_nothing(caplog: pytest.LogCaptureFixture) -> None:
    silence_libraries()
    with caplog.at_level(logging.DEBUG):
        for name in ("google_genai.models", "httpcore2.http11", "httpx2", "urllib3.connectionpool"):
            logging.getLogger(name).error("headers: AIza-key")
    assert not caplog.records


def test_addresses_are_not_logged(response_server, client, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    client.request("GET", f"{response_server(GOOD).url}?key=hunter2", 5)
    assert "hunter2" not in caplog.text


def test_an_environment_does_not_switch_verification_back_on(
    secure_server: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.certs.where())
    url = secure_server()
    with HttpClient(limit=LIMIT) as client:
        failed = problem(client, url, 5)
        assert re.search(r"certificate cannot be verified \(.+\)", str(failed))
    with HttpClient(limit=LIMIT, verify=False) as client:
        assert client.request("GET", url, 5).status == 200
