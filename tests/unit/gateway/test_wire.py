"""Asking over HTTP, and all the ways in which there may be no answer."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import trustme

from zmhook.errors import GatewayError, MissingPart
from zmhook.gateway.wire import MAX_BODY, Reply, Wire, not_understood, refused

Handle = Callable[[socket.socket], None]
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def wire():
    made = Wire("http://gpu", verify=True)
    yield made
    made.close()


def why(wire: Wire, url: str, seconds: float = 0.3) -> GatewayError:
    with pytest.raises(GatewayError) as failed:
        wire.ask("GET", f"{url}/models", seconds, token="s3cret")
    assert str(failed.value).startswith("http://gpu: ")
    assert "s3cret" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None
    return failed.value


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    return data


def test_an_answer_comes_with_its_status(server, wire) -> None:
    server.on("POST", "/look", (418, {"Retry-After": "7"}, b"[1, NaN]"))
    reply = wire.ask("POST", f"{server.url}/look?token=x", 5, token="t", json={"a": 1})
    assert (reply.status, reply.retry_after, reply.ok) == (418, "7", False)
    assert reply.data()[0] == 1
    assert reply.place == f"{server.url}/look"
    (got,) = server.got
    assert got.headers["Authorization"] == "Bearer t"
    assert got.json == {"a": 1}


def test_a_connection_is_kept(server, wire) -> None:
    for _ in range(3):
        wire.ask("GET", f"{server.url}/a", 5)
    assert len({got.peer for got in server.got}) == 1


def test_a_kept_connection_that_was_closed_costs_one_more_try(raw, wire) -> None:
    answered = threading.Event()

    def once(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(GOOD)
        if not answered.is_set():
            answered.set()
            read_request(connection)  # the next one is taken, and never answered

    server = raw(once)
    for _ in range(2):
        assert wire.ask("GET", server.url, 5).ok
    assert server.count == 2


def test_a_fresh_connection_that_is_closed_is_not_tried_again(raw, wire) -> None:
    server = raw(lambda connection: read_request(connection) and None)
    assert "closed the connection before its answer" in str(why(wire, server.url))
    assert server.count == 1


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "before its answer was complete"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "before its answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "speaks no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n...", "compressed"),
    ],
)
def test_an_answer_that_is_none(raw, wire, said: bytes, text: str) -> None:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(said)

    assert text in str(why(wire, raw(answer).url, 5))


def test_an_answer_that_is_too_long_is_not_read_to_its_end(raw, wire) -> None:
    sent = []

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.sendall(b" " * 1_000_000)
            sent.append(1)

    assert str(MAX_BODY) in str(why(wire, raw(answer).url, 10))
    assert len(sent) < 100


def test_a_server_that_accepts_and_never_answers(raw, wire) -> None:
    server = raw(lambda connection: connection.recv(1) and threading.Event().wait(5))
    assert "no complete answer within 0.3 s" in str(why(wire, server.url))


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: "]
)
def test_a_server_that_sends_a_byte_now_and_then(raw, wire, head: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.05)

    assert "no complete answer" in str(why(wire, raw(drip).url))


def test_questions_that_never_end_are_bounded(raw, wire) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:  # no library's limit ends this: there always is something to read
            connection.sendall(b"x")
            time.sleep(0.02)

    server = raw(drip)
    for number in count(1):
        if "still not answered" in str(why(wire, server.url, 0.06)):
            break
        assert number < 20
    assert server.count == number - 1


def test_nobody_there(wire, nobody) -> None:
    assert "refused the connection: does the server run" in str(why(wire, nobody))


def test_a_name_that_nobody_knows(wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert "its name cannot be resolved: check [remote] ml_gateway" in str(
        why(wire, "http://gpu.invalid")
    )


def test_a_machine_that_is_off(wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket.socket, "connect", late)
    assert "nobody answers there: is the machine on" in str(why(wire, "http://127.0.0.1:1", 5))


def test_no_way_there(wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert "cannot be reached (Network is unreachable)" in str(why(wire, "http://127.0.0.1:1", 5))


def test_an_address_that_is_none(wire) -> None:
    assert "cannot be asked (InvalidURL)" in str(why(wire, "http://[::1"))


def test_without_requests_the_part_is_named(wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(MissingPart, match="zmhook\\[remote\\]"):
        wire.ask("GET", "http://127.0.0.1:1", 5)


def test_no_time_is_no_fault_of_the_server(wire, nobody) -> None:
    assert why(wire, nobody, 0).blame == "request"


def test_a_password_in_netrc_is_not_sent(server, wire, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / ".netrc").write_text("default login ann password from-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    wire.ask("GET", server.url, 5)
    assert "Authorization" not in server.got[0].headers


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(server, other, wire) -> None:
    server.on("GET", "/models", (302, {"Location": f"{other.url}/models?token=s3cret"}, b""))
    reply = wire.ask("GET", f"{server.url}/models", 5, token="s3cret")
    assert other.got == []
    error = refused(reply)
    assert f"redirects to {other.url}/models, which is not followed" in str(error)
    assert "s3cret" not in str(error)
    assert error.blame == "server"


@pytest.mark.parametrize(
    ("status", "blame", "text"),
    [
        (400, "request", "answers 400: no such thing"),
        (404, "server", "is [remote] ml_gateway right?"),
        (500, "server", "its log says why"),
        (503, "busy", "it is too busy"),
        (429, "busy", "it is too busy"),
    ],
)
def test_what_a_status_means(status: int, blame: str, text: str) -> None:
    error = refused(Reply("http://gpu/look", status, b'{"detail": "no such thing"}', "3"))
    assert error.blame == blame
    assert text in str(error)
    assert error.after == (3 if blame == "busy" else 0)


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 1), ("x", 1), ("12", 12), ("99999999", 3600), ("²", 1)]
)
def test_how_long_to_wait(said: str, seconds: float) -> None:
    assert Reply("p", 503, b"", said).seconds_to_wait() == seconds


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<html><title>Router login</title>", "an HTML page titled 'Router login'"),
        (b'{"msg": "Token has\\nexpired"}', "Token has expired"),
        (b'{"detail": [{"loc": 1}]}', "JSON: "),
        (b"", "nothing (0 bytes)"),
        (b"\xff\xfe\x00\x01", "bytes of an unknown format"),
        (b"[" * 100_000, "JSON: "),
        (b'{"detail": "the password pa55 is wrong"}', "the password *** is wrong"),
    ],
)
def test_what_a_server_says_is_one_line_without_secrets(body: bytes, text: str) -> None:
    said = str(not_understood(Reply("http://gpu", 200, body), "", "pa55"))
    assert text in said
    assert "pa55" not in said
    assert said.isprintable()
    assert len(said) < 400


def tls_server(raw: Callable[[Handle], object], name: str) -> tuple[str, trustme.CA]:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            read_request(secured)
            secured.sendall(GOOD)

    return raw(answer).url.replace("http:", "https:"), ca


def test_a_certificate_is_checked(raw, wire) -> None:
    url, _ = tls_server(raw, "127.0.0.1")
    assert "its certificate cannot be verified" in str(why(wire, url, 5))
    assert "see [remote] ml_verify" in str(why(wire, url, 5))


def test_a_certificate_is_not_checked_when_told_so(raw, monkeypatch, tmp_path: Path) -> None:
    url, ca = tls_server(raw, "elsewhere.example")
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    careless = Wire("http://gpu", verify=False)
    assert careless.ask("GET", url, 5).ok
    careless.close()


def test_tls_where_nobody_speaks_it(server, wire) -> None:
    assert "does that port speak https?" in str(why(wire, server.url.replace("http:", "https:"), 5))
