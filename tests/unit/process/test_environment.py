"""Local time and environment: the machine's and the settings', not a caller's."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

import zmhook
from zmhook.errors import SettingsError
from zmhook.net.http import HttpClient
from zmhook.net.http_problem import HttpProblem
from zmhook.process import environment
from zmhook.settings import load

SUMMER = 1_753_800_000.0  # 14:40 UTC
HERE = "import time; time.tzset(); print(time.strftime('%H:%M', time.localtime(1753800000)))"
SOURCE = str(Path(zmhook.__file__).parent.parent)


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = dict(os.environ)
    monkeypatch.setattr(environment, "_of_settings", {})
    monkeypatch.setattr(environment, "_is_ours", False)
    yield
    os.environ.clear()
    os.environ.update(before)
    time.tzset()


@pytest.fixture
def machine() -> str:
    """What a clock of this machine showed then."""
    bare = {name: value for name, value in os.environ.items() if name not in ("TZ", "TZDIR")}
    done = subprocess.run(
        [sys.executable, "-c", HERE], env=bare, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def config(folder: Path, text: str) -> str:
    path = folder / "o.ini"
    path.write_text(text, encoding="utf-8")
    return str(path)


def clock() -> str:
    return time.strftime("%H:%M", time.localtime(SUMMER))


@pytest.mark.parametrize("callers", [None, "Pacific/Auckland", "UTC", ":/nowhere", "XYZ-7"])
def test_the_callers_zone_does_not_count(
    callers: str | None, machine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if callers:
        monkeypatch.setenv("TZ", callers)
    monkeypatch.setenv("TZDIR", "/nowhere")
    time.tzset()
    load(config(tmp_path, "[general]\n")).apply()
    assert clock() == machine
    load(config(tmp_path, "[general]\ntime_zone = America/New_York\n")).apply()
    assert clock() == "10:40"
    load(config(tmp_path, "[general]\ntime_zone = Asia/Kathmandu\n")).apply()
    assert clock() == "20:25"
    load(config(tmp_path, "[general]\n")).apply()
    assert clock() == machine


def test_where_the_system_has_no_zones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not (environment.ZONES / "America/New_York").is_file():
        pytest.skip("optional: there are no zones to copy")
    package = tmp_path / "tzdata"
    (package / "zoneinfo/America").mkdir(parents=True)
    (package / "__init__.py").touch()
    zone = (environment.ZONES / "America/New_York").read_bytes()
    (package / "zoneinfo/America/New_York").write_bytes(zone)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(environment, "ZONES", tmp_path / "none")
    environment.set_time_zone("America/New_York")
    assert os.environ["TZ"].startswith(":/")
    assert clock() == "10:40"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Europe/Berln", "is it Europe/Berlin"),
        ("CEST+1", "expected the name of a time zone"),
        ("../../etc/passwd", "expected the name of a time zone"),
        ("/etc/localtime", "expected the name of a time zone"),
    ],
)
def test_a_zone_that_there_is_not(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=says):
        load(config(tmp_path, f"[general]\ntime_zone = {name}\n")).apply()


def test_nothing_of_the_callers_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "no_proxy", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD"):
        monkeypatch.setenv(name, "/caller")
    for name in ("LC_ALL", "LANG", "TZ", "HOME", "TMPDIR", "ZMHOOK_BEGAN", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "caller")
    monkeypatch.setenv("PATH", "/caller/bin")
    monkeypatch.setenv("ZMHOOK_RUN", "/r")
    monkeypatch.setenv("ZMHOOK_CONFIG", "/o.ini")
    monkeypatch.delenv("ZMHOOK_PYTHON", raising=False)

    assert environment.child_environment() == {
        "PATH": environment.FIXED["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": SOURCE,
        "ZMHOOK_RUN": "/r",
        "ZMHOOK_CONFIG": "/o.ini",
    }


def test_what_the_settings_say_is_passed_on(tmp_path: Path) -> None:
    proxy = "http://u:p=1@proxy.lan:3128"
    variables = f"HTTPS_PROXY = {proxy}, LD_LIBRARY_PATH=/opt/cuda, PYTHONPATH=/x"
    load(config(tmp_path, f"[service]\nservice_environment = {variables}\n")).apply()

    found = environment.child_environment()

    assert found["HTTPS_PROXY"] == os.environ["HTTPS_PROXY"] == proxy
    assert found["LD_LIBRARY_PATH"] == "/opt/cuda"
    assert found["PYTHONPATH"] == f"{SOURCE}:/x"


def test_what_the_service_was_started_with_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://of.the.unit")
    monkeypatch.setenv("PYTHONPATH", f"/other:{SOURCE}:/other::/more")
    environment.trust_environment()
    found = environment.child_environment()
    assert found["HTTPS_PROXY"] == "http://of.the.unit"
    assert found["PYTHONPATH"] == f"{SOURCE}:/other:/more"


@pytest.mark.parametrize("text", ["HTTPS_PROXY", "1A=b", "A B=c", "=x", "A=b, c", "Ä=b"])
def test_variables_that_are_none(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected variables such as HTTPS_PROXY=http"):
        load(config(tmp_path, f"[service]\nservice_environment = {text}\n")).apply()


VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that what is set below is taken back
        monkeypatch.delenv(name)


def told(files: tuple[str, ...]) -> dict[str, str]:
    environment.use_system_store(files)
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
    monkeypatch.setattr(environment.use_system_store, "__defaults__", ((),))
    with pytest.raises(HttpProblem, match="its certificate cannot be verified"):
        HttpClient(limit=9).request("GET", address, 30)
    monkeypatch.setattr(environment.use_system_store, "__defaults__", ((store,),))
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
