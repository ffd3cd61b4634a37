"""Pictures are fetched only from where the owner says, and within bounds."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest

from zmhook.errors import FrameUnavailable
from zmhook.gateway.protocol import ImageUrl
from zmhook.server import inference_api as module
from zmhook.server.inference_api import ImageFetcher, check_url


def get(url: str, allowed: str, **more: object) -> bytes:
    return ImageFetcher().fetch(ImageUrl(url, **more), (allowed,), 1000)


def test_what_is_there(endpoint) -> None:
    endpoint.answers = [(200, {}, b"PICTURE")]

    assert get(f"{endpoint.url}/a?b=c#d", endpoint.place, query="?token=x") == b"PICTURE"
    assert endpoint.got[0].path == "/a?b=c&token=x"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://zm.lan/x", "zm.lan"),
        ("http://ZM.lan:80/x", "zm.lan"),
        ("http://zm.lan/x", "zm.lan:80"),
        ("https://zm.lan/x", "zm.lan"),
        ("https://zm.lan/x", "zm.lan:443"),
        ("http://zm.lan:8080", "zm.lan:8080"),
        ("http://[::1]:8080/", "[::1]:8080"),
    ],
)
def test_hosts_that_are_allowed(url: str, allowed: str) -> None:
    check_url(url, (allowed,))


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.lan/x",
        "http://zm.lan.evil.lan/x",
        "http://evil.lan/zm.lan",
        "http://evil.lan#zm.lan",
        "http://evil.lan?zm.lan",
        "http://zm.lan:8080/x",
        "https://zm.lan:80/x",
        "http://zm.lan./x",
        "http://127.0.0.1/x",
        "http://zm.lan@evil.lan/x",
        "http://user:password@zm.lan/x",
        "http://@zm.lan/x",
        "http://zm.lan\\@evil.lan/x",
        "http://zm.lan\t/x",
        "http://zm.lan\r\nHost: evil/x",
        " http://zm.lan/x",
        "http://zm.lan:99999/x",
        "http://zm.lan:x/",
        "http://[::1/x",
        "http://zм.lan/x",
        "file:///etc/passwd",
        "ftp://zm.lan/x",
        "gopher://zm.lan/",
        "//zm.lan/x",
        "zm.lan/x",
        "",
        "http://zm.lan/" + "x" * 5000,
    ],
)
def test_and_those_that_are_not(url: str) -> None:
    with pytest.raises(FrameUnavailable) as error:
        check_url(url, ("zm.lan",))
    assert "password@" not in str(error.value)
    assert len(str(error.value)) < 200


def test_nothing_is_allowed_where_nothing_is_named() -> None:
    with pytest.raises(FrameUnavailable, match="allowed_portals"):
        check_url("http://zm.lan/x", ())


@pytest.mark.parametrize("status", [301, 302, 307, 401, 404, 500])
def test_redirects_are_not_followed(endpoint, status: int) -> None:
    endpoint.answers = [(status, {"Location": f"{endpoint.url}/elsewhere"}, b"x")]

    with pytest.raises(FrameUnavailable, match=f"it answers {status}"):
        get(f"{endpoint.url}/a?token=secret", endpoint.place)
    assert len(endpoint.got) == 1


def test_too_much(endpoint) -> None:
    endpoint.answers = [(200, {}, b"x" * 1001)]

    with pytest.raises(FrameUnavailable, match=r"more than 1000 bytes: \[service\] listen_max"):
        get(f"{endpoint.url}/a", endpoint.place)


def test_nothing(endpoint) -> None:
    endpoint.answers = [(200, {}, b"")]

    with pytest.raises(FrameUnavailable, match="it is empty"):
        get(f"{endpoint.url}/a", endpoint.place)


class Rude:
    """A server that says something, and then does something."""

    def __init__(self, says: bytes, then: float = 0.0, drip: bytes = b"") -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._what = says, then, drip
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Rude:  # noqa: PYI034 - Self needs typing_extensions here
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        says, then, drip = self._what
        connection, _ = self._socket.accept()
        end = time.monotonic() + then
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(says)
                while time.monotonic() < end:
                    connection.sendall(drip)
                    time.sleep(0.02)
            except OSError:
                pass


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (b"", "closed the connection"),
        (b"hello\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "before its response was complete"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70000 + b"\r\n\r\n", "not HTTP"),
    ],
)
def test_answers_that_are_none(says: bytes, why: str) -> None:
    with Rude(says) as rude, pytest.raises(FrameUnavailable, match=why):
        get(f"http://{rude.place}/a?token=secret", rude.place)


def test_who_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.15)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
    for drip in (b"", b"x"):
        with (
            Rude(head, 0.5, drip) as rude,
            pytest.raises(FrameUnavailable, match="no complete response"),
        ):
            get(f"http://{rude.place}/a", rude.place)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        place = f"127.0.0.1:{one.getsockname()[1]}"
    with pytest.raises(FrameUnavailable, match="refused the connection"):
        get(f"http://{place}/a?token=secret", place)


def test_a_token_that_would_break_the_request(endpoint) -> None:
    with pytest.raises(FrameUnavailable) as error:
        get(f"{endpoint.url}/a", endpoint.place, query="token=a b\r\nX: y")
    assert "token" not in str(error.value)
    assert endpoint.got == []


@pytest.mark.parametrize("verify", [True, False])
def test_a_certificate_nobody_knows(tmp_path, verify: bool) -> None:
    import trustme

    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    plain = socket.create_server(("127.0.0.1", 0))
    place = f"127.0.0.1:{plain.getsockname()[1]}"

    def serve() -> None:
        connection, _ = plain.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        except OSError:
            connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        if verify:
            with pytest.raises(FrameUnavailable, match="certificate cannot be verified"):
                get(f"https://{place}/a", place)
        else:
            assert get(f"https://{place}/a", place, verify=False) == b"hi"
    finally:
        thread.join()
        plain.close()
