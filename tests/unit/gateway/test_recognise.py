"""Finding out what a server speaks."""

from __future__ import annotations

import pytest

from zmhook.errors import GatewayError
from zmhook.gateway.mlapi_client import MlapiClient
from zmhook.gateway.pyzm_client import PyzmClient
from zmhook.gateway.recognise import recognise
from zmhook.gateway.zmhook_client import ZmhookClient

OURS = {"version": "1.2", "models": ["yolo", "face"], "busy": 0.5}
PYZM = {"models": [{"name": "yolo", "type": "object", "framework": "opencv"}]}


@pytest.fixture
def met(server, configured, soon):
    known = []

    def meet(path: str = "", **remote):
        settings = configured(f"{server.url}{path}", **remote)
        known.append(recognise(settings, f"{server.url}{path}", soon))
        return known[-1]

    yield meet
    for one in known:
        one.endpoint.close()


def test_zmhook(server, words, met) -> None:
    server.on("GET", "/zmhook/v1/status", words(OURS))
    one = met()
    assert isinstance(one.dialect, ZmhookClient)
    assert one.status == ("zmhook 1.2", ["yolo", "face"], 0.5)
    assert len(server.got) == 1


def test_zmhook_behind_its_login(server, words, met, login) -> None:
    server.on("GET", "/zmhook/v1/status", words(OURS))
    server.wants_login("/zmhook/v1/status")
    assert met(**login).status.speaks == "zmhook 1.2"
    assert met(**login).status.speaks == "zmhook 1.2"
    paths = [got.path.rpartition("/")[2] for got in server.got]
    assert paths == ["status", "login", "status", "status"]


def test_zmhook_without_a_user(server, words, met) -> None:
    server.on("GET", "/zmhook/v1/status", words({"detail": "log in first"}, 401))
    with pytest.raises(GatewayError, match="asks for a login: set"):
        met()


def test_pyzm_serve(server, words, met) -> None:
    server.on("GET", "/models", words(PYZM))
    one = met()
    assert isinstance(one.dialect, PyzmClient)
    assert one.status == ("pyzm.serve", ["yolo"], None)


def test_pyzm_serve_at_an_address_of_an_older_file(server, words, met) -> None:
    server.on("GET", "/models", words(PYZM))
    one = met("/api/v1")
    assert isinstance(one.dialect, PyzmClient)
    assert one.endpoint.address == server.url


@pytest.mark.parametrize("path", ["", "/api/v1"])
@pytest.mark.parametrize("said", [b"ok", b'"ok"\n'])
def test_mlapi_with_its_path_or_without(server, met, path: str, said: bytes) -> None:
    server.on("GET", "/api/v1/health", (200, {}, said))
    one = met(path)
    assert isinstance(one.dialect, MlapiClient)
    assert one.status == ("mlapi", None, None)
    assert one.endpoint.address == f"{server.url}/api/v1"


@pytest.mark.parametrize(
    "said", [b"<html><title>Router</title>", b"ok then", b"{}", b'{"models": 5}', b'{"version": 1}']
)
def test_something_else(server, met, said: bytes) -> None:
    for path in ("/zmhook/v1/status", "/models", "/health", "/api/v1/models"):
        server.on("GET", path, (200, {}, said))
    with pytest.raises(GatewayError, match=r"neither as zmhook nor as pyzm\.serve or mlapi do"):
        met()


def test_a_server_in_trouble_is_not_taken_for_another_kind(server, words, met) -> None:
    server.on("GET", "/zmhook/v1/status", words({"detail": "no disk"}, 500))
    with pytest.raises(GatewayError, match="answers 500: no disk"):
        met()
    assert len(server.got) == 1


def test_a_redirect_says_where_to(server, met) -> None:
    server.on("GET", "/zmhook/v1/status", (301, {"Location": "https://gpu/"}, b""))
    with pytest.raises(GatewayError, match="redirects to https://gpu/"):
        met()
