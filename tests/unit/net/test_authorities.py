"""Every TLS client believes what the machine believes."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from pathlib import Path

import pytest
import requests
import trustme

from zmhook.net import authorities
from zmhook.net.http import HttpClient
from zmhook.net.http_problem import HttpProblem

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that what is set below is taken back
        monkeypatch.delenv(name)


def told(files: tuple[str, ...]) -> dict[str, str]:
    import os

    authorities.use_system_store(files)
    return {name: os.environ[name] for name in VARIABLES if name in os.environ}


def test_the_first_list_there_is(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    store = str(tmp_path / "b")
    assert told((str(tmp_path / "a"), store)) == {
        "REQUESTS_CA_BUNDLE": store,
        "SSL_CERT_FILE": store,
    }


def test_without_one_nothing_changes(tmp_path: Path) -> None:
    assert told((str(tmp_path / "a"),)) == {}


@pytest.mark.parametrize("name", VARIABLES)
def test_what_somebody_has_set_stays(tmp_path: Path, monkeypatch, name: str) -> None:
    (tmp_path / "b").touch()
    monkeypatch.setenv(name, "/mine")
    assert told((str(tmp_path / "b"),))[name] == "/mine"


def test_one_list_that_was_set_counts_for_the_others(monkeypatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/mine")
    assert told(())["REQUESTS_CA_BUNDLE"] == "/mine"


@pytest.fixture
def secure(tmp_path: Path):
    """A server whose authority is the only one in a file: its address and that file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "store.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                accepted, _ = server.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(accepted, server_side=True) as connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    yield f"https://localhost:{server.getsockname()[1]}/", str(tmp_path / "store.pem")
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def test_an_authority_of_the_machine_is_believed(secure, monkeypatch) -> None:
    address, store = secure
    monkeypatch.setattr(authorities.use_system_store, "__defaults__", ((),))
    with pytest.raises(HttpProblem, match="its certificate cannot be verified"):
        HttpClient(limit=9).request("GET", address, 30)
    monkeypatch.setattr(authorities.use_system_store, "__defaults__", ((store,),))
    assert HttpClient(limit=9).request("GET", address, 30).body == b"ok"
    assert requests.get(address, timeout=30).content == b"ok"  # and so for libraries' own
    with ssl.create_default_context().wrap_socket(
        socket.create_connection(("localhost", int(address.rstrip("/").rpartition(":")[2]))),
        server_hostname="localhost",
    ) as connection:
        assert connection.version()


_CLIENT = re.compile(
    r"requests\.(?:Session\(|get\(|post\()|urlopen\(|genai\.Client\(|create_default_context\(\)"
    r"|^\s+import apprise$",
    re.MULTILINE,
)


def test_no_client_goes_without(root: Path) -> None:
    package = root / "hook" / "zmhook"
    texts = {path: path.read_text(encoding="utf-8") for path in package.rglob("*.py")}
    clients = {path for path, text in texts.items() if _CLIENT.search(text)}
    assert len(clients) >= 4
    assert [path.name for path in clients if "use_system_store()" not in texts[path]] == []
