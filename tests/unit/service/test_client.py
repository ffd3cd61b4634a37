"""Asking a service from Python."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from zmhook.event import Event
from zmhook.service import client
from zmhook.service.client import NoService

EVENT = Event(id=7, monitor_id=2, monitor_name="Tür & Tor", cause="a=b\n+", path="/e/7")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """Answers each connection with the same bytes, cut into pieces."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.answer = OK
        self.seen: list[bytes] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(place))
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                data = connection.recv(100_000)
                if data == b"end":
                    return
                self.seen.append(data)
                with contextlib.suppress(OSError):  # the client may have had enough
                    for i in range(0, len(self.answer), 7):
                        connection.sendall(self.answer[i : i + 7])

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self.place))
            last.sendall(b"end")
        self.thread.join(10)
        self.listener.close()


@pytest.fixture
def server(short: Path) -> Iterator[Server]:
    server = Server(short / "s")
    yield server
    server.close()


def test_an_event_is_asked_for_as_the_hook_does(server: Server) -> None:
    assert client.decide(server.place, EVENT, "/etc/o.ini", 5) == (200, b"hello")

    head, _, body = server.seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /decide HTTP/1.1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert parse_qs(body.decode(), keep_blank_values=True) == {
        "eid": ["7"],
        "mid": ["2"],
        "name": ["Tür & Tor"],
        "cause": ["a=b\n+"],
        "path": ["/e/7"],
        "config": ["/etc/o.ini"],
    }


def test_numbers_may_be_missing(server: Server) -> None:
    client.decide(server.place, Event(), "", 5)

    assert b"eid=&mid=&" in server.seen[0]


@pytest.mark.parametrize("status", [200, 302, 422, 503])
def test_the_status_is_told(server: Server, status: int) -> None:
    server.answer = f"HTTP/1.1 {status} \r\nContent-Length: 0\r\n\r\n".encode()

    assert client.ask(server.place, "GET", "/", 5) == (status, b"")


@pytest.mark.parametrize(
    "answer", [b"", OK[:20], OK[:-1], b"x\r\n\r\n", b"HTTP/1.1 ok\r\n\r\n", b"\0" * 100]
)
def test_what_is_no_whole_answer_is_no_service(server: Server, answer: bytes) -> None:
    server.answer = answer

    with pytest.raises(NoService, match="no service answers"):
        client.ask(server.place, "GET", "/", 5)


SIGN = b"HTTP/1.1 102 \r\n\r\n"


@pytest.mark.parametrize("signs", [SIGN, SIGN * 3, b"HTTP/1.1 103 x\r\nLink: y\r\n\r\n" + SIGN])
def test_signs_of_life_come_before_the_answer(server: Server, signs: bytes) -> None:
    server.answer = signs + OK

    assert client.ask(server.place, "GET", "/", 5, silence=4) == (200, b"hello")


def test_signs_of_life_alone_are_no_answer(server: Server) -> None:
    server.answer = SIGN * 2

    with pytest.raises(NoService, match="cut short"):
        client.ask(server.place, "GET", "/", 5)


def test_one_that_shows_no_sign_of_life(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(short / "s"))
        silent.listen()
        with pytest.raises(client.Silent, match=r"no sign of life for 0\.05 s"):
            client.ask(short / "s", "GET", "/", 20, silence=0.05)


def test_one_that_takes_no_connection_any_more(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent, contextlib.ExitStack() as others:
        silent.bind(str(short / "s"))
        silent.listen(0)
        for _ in range(2):
            other = others.enter_context(socket.socket(socket.AF_UNIX))
            other.setblocking(False)
            other.connect_ex(str(short / "s"))
        with pytest.raises(client.Silent):
            client.ask(short / "s", "GET", "/", 20, silence=0.05)


def test_one_that_reads_nothing_any_more(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(short / "s"))
        silent.listen()
        with pytest.raises(client.Silent):
            client.ask(short / "s", "GET", "/", 20, b"x" * 2**24, silence=0.05)


def test_an_answer_has_an_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST", 10)

    with pytest.raises(NoService, match="too long"):
        client.ask(server.place, "GET", "/", 5)


def _stale(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))


@pytest.mark.parametrize("make", [lambda _: None, Path.touch, Path.mkdir, _stale])
def test_without_a_service(short: Path, make: Callable[[Path], object]) -> None:
    make(short / "s")

    with pytest.raises(NoService) as caught:
        client.ask(short / "s", "GET", "/", 5)

    assert len(str(caught.value).splitlines()) == 1


def test_a_path_that_is_too_long_for_a_socket(short: Path) -> None:
    with pytest.raises(NoService, match="too long"):
        client.ask(short / ("x" * 200), "GET", "/", 5)


def test_one_that_never_answers(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(short / "s"))
        silent.listen()
        with pytest.raises(NoService, match="timed out"):
            client.ask(short / "s", "GET", "/", 0.05)
