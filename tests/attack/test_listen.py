"""Strangers on the listener, and clients with the password who mean harm."""

from __future__ import annotations

import http.client
import json
import random
import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.attack

SECONDS = 60
OTHER_FILES = 300
"""Files that the supervisor may have open beside the connections."""


@pytest.fixture(autouse=True, scope="module")
def _many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(16384, before[1]) if before[1] > 0 else 16384
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def server(site, listen_tests) -> Callable[..., Any]:
    return lambda **more: listen_tests.Server(site, **more)


@pytest.fixture(scope="session")
def dog(assets: Path) -> bytes:
    return (assets / "photos" / "dog.jpg").read_bytes()


class Tls:
    """A certificate of the test's own, and whoever trusts it."""

    def __init__(self, folder: Path) -> None:
        import trustme

        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
        issued.private_key_pem.write_to_path(folder / "key.pem")
        self.service = f"listen_cert = {folder}/cert.pem\nlisten_key = {folder}/key.pem"
        self.context = ssl.create_default_context()
        authority.configure_trust(self.context)


class Client:
    """Somebody with the password, on one connection that stays open."""

    def __init__(self, server: Any, context: ssl.SSLContext) -> None:
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", server.port, timeout=SECONDS, context=context
        )
        words = {"username": "zmhook", "password": server.password_file.read_text().strip()}
        status, body = self.ask("POST", "/login", json.dumps(words))
        assert status == 200
        self.token = json.loads(body)["access_token"]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def models(self) -> int:
        return self.ask("GET", "/models", Authorization=f"Bearer {self.token}")[0]

    @property
    def socket(self) -> socket.socket | None:
        return self._connection.sock

    def close(self) -> None:
        self._connection.close()


def files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def supervisor(site: Any) -> int:
    return int(site.status()["pid"])


@pytest.mark.parametrize("says", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n"])
def test_silent_connections(attack, site, server, dog: bytes, several, says: bytes) -> None:
    """Thousands from the address of a client that works: it notices nothing, on old connections
    and on new ones.
    """
    count = several(2000, 6000)
    tls = Tls(site.folder)
    made = server(service=tls.service)
    client = Client(made, tls.context)
    kept = client.socket
    pid = supervisor(site)
    most, answered = 0, 0
    with ExitStack() as stack:
        stack.callback(client.close)
        for number in range(count):
            one = socket.create_connection(("127.0.0.1", made.port), SECONDS)
            stack.enter_context(closing(one))
            with suppress(OSError):
                one.sendall(says)
            if number % 100 == 0:
                answered += client.models() == 200
                most = max(most, files(pid))
        attack.count("requests of a client", tried=count // 100, survived=answered)
        with attack("its connection is still the one from the beginning"):
            assert client.socket is kept
        with attack("others may log in meanwhile"):
            closing(Client(made, tls.context)).thing.close()
        with attack("an event here is decided meanwhile"):
            assert "dog" in site.hook().out
        with attack(f"the supervisor has at most {OTHER_FILES} files more than it may ({most})"):
            assert most <= 128 + OTHER_FILES
    with attack("it is the same process as before"):
        assert supervisor(site) == pid


def test_slow_loris(attack, site, server, several, listen_tests) -> None:
    """Heads that never end, a byte now and then: each is hung up on, the others are answered."""
    made = server()
    count = several(300, 2000)
    half = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n"
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(made.talk(half))) for _ in range(count)]
        until = time.monotonic() + SECONDS
        left = slow
        while left and time.monotonic() < until:
            left = [one for one in left if not listen_tests.is_over(one)]
            with attack("somebody else is answered"):
                assert made.is_well()
            time.sleep(0.5)
        attack.count("slow ones are hung up on", tried=count, survived=count - len(left))


def test_many_hold_the_socket_of_this_machine(attack, site, several) -> None:
    """Whoever says nothing there makes room for hooks."""
    site.warm()
    with ExitStack() as stack:
        for _ in range(several(2000, 4000)):
            one = stack.enter_context(closing(socket.socket(socket.AF_UNIX)))
            one.settimeout(SECONDS)
            _connect(one, site.socket)
        for number in range(5):
            with attack("an event is decided"):
                assert "dog" in site.hook(site.event(number=number + 10), number + 10).out


def _connect(one: socket.socket, path: Path) -> None:
    """Connect, also where so many wait to be accepted that the kernel takes no more for a while."""
    for _ in range(int(SECONDS / 0.05)):
        with suppress(BlockingIOError):
            one.connect(str(path))
            return
        time.sleep(0.05)
    pytest.fail(f"{path}: nobody is accepted there")


# -- with the password ---------------------------------------------------------------------------

PATTERNS = (
    "(|)" * 40 + "x",
    "(a|a)*" * 20 + "$",
    "(.*)*" * 30 + "\\d",
    "((a*)*)*b" * 50,
    ".*" * 300 + "x",
    "(a{1000}){1000}",
    "((a{1000}){1000}){1000}",
    "a{1000000}",
    "(?i)" + "[\x00-\U0010ffff]" * 190,
    "(?:" * 300 + "a" + ")" * 300,
    "(" * 400,
    "(?:a|b|c|d|do|dog|dogs)*" * 30 + "(?!.)x",
    r"(\w+)+" * 80 + "!",
    "x" * 100_000,
)


@contextmanager
def listened_to(made: Any, attack: Any, what: str) -> Iterator[None]:
    """Ask for the health all the time; each time that is not answered is lost."""
    done = threading.Event()
    answers: list[bool] = []

    def ask() -> None:
        while not done.wait(0.05):
            try:
                answers.append(made.is_well())
            except (OSError, http.client.HTTPException):
                answers.append(False)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(SECONDS)
        attack.count(what, tried=len(answers), survived=sum(answers))


def test_patterns_that_never_end(attack, site, server, dog: bytes, endpoint_type) -> None:
    class Pictures(endpoint_type):
        def answer(self, _: object) -> tuple[int, dict[str, str], bytes]:
            return 200, {}, dog

    pictures = Pictures()
    try:
        made = server(service=f"allowed_portals = {pictures.place}")
        made.log_in()
        before = made.memory()
        pid = supervisor(site)
        with listened_to(made, attack, "health, while patterns are matched"):
            for pattern in PATTERNS:
                order = {
                    "stream": f"{pictures.url}/a.jpg",
                    "ml_overrides": {"object": {"pattern": pattern}},
                }
                with attack(f"the pattern {pattern[:30]!r} is answered"):
                    said = made.ask(
                        "POST",
                        "/api/v1/detect/object",
                        json.dumps(order),
                        {"Content-Type": "application/json"},
                    )
                    assert said.status in (200, 400)
        with attack("no worker was lost"):
            assert site.status()["restarts"] == 0
            assert supervisor(site) == pid
        with attack("nothing of it stays in memory"):
            assert made.memory() < before + 300
    finally:
        pictures.close()


JSON_BOMBS = (
    b'{"a":' * 200_000,
    b"[" * 1_000_000,
    b'{"stream":' + b"[" * 300_000,
    b'{"a":[' + b"[]," * 300_000 + b"[]]}",
    b"{" + b",".join(b'"%x":{}' % i for i in range(90_000)) + b"}",
    b'{"username":' + b"9" * 1_000_000 + b"}",
    b'{"username":1e999999,"password":-1e-999999}',
    b'{"username":"\\ud800","password":"\\udfff\\u0000"}',
    b'{"stream":' + b"9" * 4000 + b"}",
    b'{"stream":{"a":[[[[1]]]]},"mid":[],"stream_options":{"frame_set":[{}]}}',
    b"\xff" * 1000,
    b"",
    b"null",
)


def test_json_bombs(attack, site, server) -> None:
    made = server()
    made.log_in()
    before = made.memory()
    with listened_to(made, attack, "health, while JSON is read"):
        for path in ("/login", "/api/v1/login", "/api/v1/detect/object"):
            for bomb in JSON_BOMBS:
                with attack(f"{path}: {bomb[:30]!r}"):
                    said = made.ask("POST", path, bomb, {"Content-Type": "application/json"})
                    assert 400 <= said.status < 500
    with attack("no memory is lost"):
        assert made.memory() < before + 100
    with attack("nothing was an internal error"):
        assert "internal error" not in site.log()


def test_forms_that_take_long(attack, site, server, listen_tests) -> None:
    """What is slow to take apart is refused, or does not keep others waiting."""
    made = server()
    made.log_in()
    mark = f"--{listen_tests.BOUNDARY}\r\n".encode()
    head = mark + b'Content-Disposition: form-data; name="f"'
    bombs = {
        "percent signs": (b"a=" + b"%41" * 5_000_000, "application/x-www-form-urlencoded"),
        "ampersands": (b"a&" * 5_000_000, "application/x-www-form-urlencoded"),
        "line ends": (head + b'; filename="a"\r\n\r\n' + b"\r\n-" * 5_000_000, ""),
        "parts": ((head + b"\r\n\r\nx\r\n") * 200_000, ""),
        "quotes": ((head + b';a="' * 400 + b"\r\n\r\nx\r\n") * 80, ""),
        "heads": ((head + b"\r\n" + b"a: b\r\n" * 300 + b"\r\nx\r\n") * 80, ""),
    }
    with listened_to(made, attack, "health, while forms are read"):
        for name, (body, kind) in bombs.items():
            with attack(name), suppress(ConnectionError):  # refused while it is still being sent
                headers = {"Content-Type": kind} if kind else listen_tests.MULTIPART
                assert 400 <= made.ask("POST", "/infer", body, headers).status < 500
        kind = listen_tests.MULTIPART["Content-Type"]
        crumbs = (
            f"POST /infer HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {made.token}\r\n"
            f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        ).encode() + b"1\r\nx\r\n" * 1_000_000
        with attack("crumbs"), suppress(ConnectionError), closing(made.talk(b"")) as connection:
            connection.sendall(crumbs)
            assert b" 400 " in connection.recv(100)
    with attack("nothing was an internal error"):
        assert "internal error" not in site.log()


# -- anything at all -----------------------------------------------------------------------------

METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "get", "", "X" * 50)
PATHS = (
    *("/health", "/infer", "/models", "/login", "/metrics", "/health/live", "/status", "/stop"),
    *("/decide", "/api/v1/login", "/api/v1/health", "/api/v1/detect/object", "/zmhook/v1/infer"),
    *("/zmhook/v1/status", "/../etc/passwd", "//", "*", "http://x/", "/%00", "/infer?" + "a&" * 99),
)
HEADERS = (
    *("Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999"),
    *("Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Expect: 100-continue"),
    *("Connection: close", "Connection: upgrade", "Content-Type: application/json", "X:", ":x"),
    *("Content-Type: multipart/form-data; boundary=b", "Content-Type: multipart/form-data"),
    *("Authorization: Bearer x", "Authorization: Bearer", "X-Forwarded-For: 1.1.1.1, ::1", "é: é"),
    *("A: " + "b" * 20_000, "A: b\r\n c", "Host: y", "Content-Type: \x00"),
)
BODIES = (
    *(b"", b"hello", b"{}", b'{"username":"zmhook","password":"x"}', b"5\r\nhello\r\n0\r\n\r\n"),
    *(b"--b\r\n", b'--b\r\nContent-Disposition: form-data; name="type"\r\n\r\nobject\r\n--b--\r\n'),
    *(b"ffffffffffffffff\r\n", b"-1\r\n", b"\0" * 100, b"\xff\xd8\xff" * 50, b"GET / HTTP/1.1\r\n"),
)


def nonsense(rng: random.Random, token: str) -> bytes:
    """Return a request that is nearly one."""
    lines = [f"{rng.choice(METHODS)} {rng.choice(PATHS)} HTTP/1.{rng.choice('0112')}"]
    lines += [] if rng.random() < 0.1 else ["Host: x"]
    lines += [f"Authorization: Bearer {token}"] if rng.random() < 0.5 else []
    lines += rng.sample(HEADERS, rng.randrange(4))
    said = bytearray("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
    said += rng.choice(BODIES)
    for _ in range(rng.choice((0, 0, 0, 1, 3, 10))):
        place = rng.randrange(len(said))
        said[place : place + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(said[: rng.randrange(len(said) + 1)] if rng.random() < 0.1 else said)


def test_nonsense(attack, site, server, rng: random.Random, several) -> None:
    made = server(service="listen_password = of-the-test")
    made.log_in("of-the-test")
    site.until(lambda: site.status()["workers"][0]["rss_mb"])
    pid, before = supervisor(site), made.memory()
    with listened_to(made, attack, "health, while nonsense is said"):
        for _ in range(several(600, 20_000)):
            said = nonsense(rng, made.token)
            with attack(f"{said[:60]!r}"):
                answer = _answer(socket.create_connection(("127.0.0.1", made.port), SECONDS), said)
                assert not answer or answer.startswith(b"HTTP/1.1 ")
                assert b"internal error" not in answer
                assert b"Traceback" not in answer
    with attack("the same process, with no more memory"):
        assert supervisor(site) == pid
        assert made.memory() < before + 50
    with attack("nothing in the log is an error of ours"):
        assert "internal error" not in site.log()
        assert "Traceback" not in site.log()


def test_nonsense_on_the_socket_of_this_machine(attack, site, rng: random.Random, several) -> None:
    site.warm()
    pid = supervisor(site)
    for _ in range(several(300, 10_000)):
        said = nonsense(rng, "x").replace(b"/stop", b"/stap").replace(b"/decide", b"/decade")
        with attack(f"{said[:60]!r}"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(SECONDS)
            connection.connect(str(site.socket))
            answer = _answer(connection, said)
            assert not answer or answer.startswith(b"HTTP/1.1 ")
    with attack("an event is decided afterwards, by the same process"):
        assert "dog" in site.hook().out
        assert supervisor(site) == pid
    with attack("nothing in the log is an error of ours"):
        assert "internal error" not in site.log()
        assert "Traceback" not in site.log()


def _answer(connection: socket.socket, said: bytes) -> bytes:
    """Say it and no more, and return what comes back."""
    with closing(connection):
        with suppress(ConnectionError, BrokenPipeError):
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            return connection.recv(65536)
    return b""
