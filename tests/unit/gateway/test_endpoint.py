"""Requests as the user of the settings, and the token for them."""

from __future__ import annotations

import socket
import stat
import sys
import time
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import GatewayError, MissingPart
from zmhook.gateway.endpoint import (
    MAX_BODY,
    TOKEN_FILE,
    Endpoint,
    no_response,
    not_understood,
    refused,
    wait_seconds,
)
from zmhook.net.http import HttpResponse
from zmhook.net.http_problem import HttpFailure, HttpProblem


@pytest.fixture
def endpoint(server, configured, login):
    made = Endpoint(configured(server.url, **login, ml_timeout=3.0), server.url)
    yield made
    made.close()


@pytest.fixture
def stranger(server, configured):
    made = Endpoint(configured(server.url), server.url)
    yield made
    made.close()


def test_it_logs_in_when_asking(server, words, endpoint, soon) -> None:
    server.on("GET", "/models", words([]))
    server.wants_login("/models")
    assert endpoint.request("GET", "/models", soon).status == 200
    assert endpoint.request("GET", "/models", soon).status == 200
    assert [got.path for got in server.got] == ["/login", "/models", "/models"]


def test_a_look_around_logs_nobody_in(server, words, endpoint, soon) -> None:
    server.on("GET", "/models", words([]))
    server.wants_login("/models")
    assert endpoint.peek("/models", soon).status == 401
    endpoint.request("GET", "/models", soon)
    assert endpoint.peek("/models", soon).status == 200


@pytest.mark.parametrize("status", [401, 422])
def test_a_token_that_ended_is_renewed_once(server, words, endpoint, soon, status: int) -> None:
    answers = [words({"msg": "Token has expired"}, status), words({"a": 1})]
    server.on("POST", "/login", lambda _: words({"access_token": f"t{len(server.got)}"}))
    server.on("POST", "/infer", lambda _: answers.pop(0))
    assert endpoint.request("POST", "/infer", soon).json() == {"a": 1}
    tokens = [got.headers["Authorization"] for got in server.asked("/infer")]
    assert len(set(tokens)) == 2


def test_a_token_that_is_never_right(server, words, endpoint, soon) -> None:
    server.on("POST", "/login", words({"access_token": "t0ken-of-ann", "expires": 99}))
    server.on("POST", "/infer", words({"detail": "not t0ken-of-ann"}, 401))
    with pytest.raises(GatewayError, match="does not let user 'ann' ask") as failed:
        endpoint.request("POST", "/infer", soon)
    assert failed.value.blame == "login"
    assert "t0ken" not in str(failed.value)
    assert len(server.asked("/infer")) == 2


def test_who_has_no_user_is_told_to_set_one(server, words, stranger, soon) -> None:
    server.on("POST", "/infer", words({"detail": "log in first"}, 401))
    with pytest.raises(GatewayError, match=r"set \[remote\] ml_user and ml_password"):
        stranger.request("POST", "/infer", soon)
    assert len(server.got) == 1


def test_no_more_than_the_time_that_is_left(server, stranger) -> None:
    with pytest.raises(GatewayError, match="no time left") as failed:
        stranger.request("GET", "/models", Deadline(0))
    assert failed.value.blame == "request"
    assert server.got == []


def test_a_user_in_the_address_is_not_shown(configured) -> None:
    assert Endpoint(configured(), "http://ann:pa55@gpu:5000/api").address == "http://gpu:5000/api"


@pytest.fixture
def made(server, configured, login):
    """A function that makes endpoints; `/models` answers."""
    endpoints = []

    def make(**more: object) -> Endpoint:
        endpoints.append(Endpoint(configured(server.url, **{**login, **more}), server.url))
        return endpoints[-1]

    server.on("GET", "/models", (200, {}, b"[]"))
    yield make
    for endpoint in endpoints:
        endpoint.close()


def token_of(server, endpoint: Endpoint) -> str:
    """Return the token that the endpoint sends; it logs in when it has none."""
    endpoint.request("GET", "/models", Deadline(20))
    return server.asked("/models")[-1].headers.get("Authorization", "").removeprefix("Bearer ")


def current_token(server, endpoint: Endpoint) -> str:
    """Return the token that the endpoint sends without logging in."""
    endpoint.peek("/models", Deadline(20))
    return server.asked("/models")[-1].headers.get("Authorization", "").removeprefix("Bearer ")


def issues_tokens(server, words, expires: object = 3600) -> None:
    """Have it issue a new token each time."""

    def login(_: object) -> object:
        count = len(server.asked("/login"))
        return words({"access_token": f"token-{count}", "expires": expires})

    server.on("POST", "/login", login)


def test_without_a_user_nobody_logs_in(server, made) -> None:
    assert token_of(server, made(ml_user="")) == ""
    assert current_token(server, made(ml_user="")) == ""
    assert server.asked("/login") == []


def test_a_token_is_kept_for_other_processes(server, words, made, tmp_path: Path) -> None:
    issues_tokens(server, words)
    assert token_of(server, made()) == token_of(server, made()) == "token-1"
    assert current_token(server, made()) == "token-1"
    (got,) = server.asked("/login")
    assert got.json == {"username": "ann", "password": "pa55-of-ann"}
    file = tmp_path / "cache" / TOKEN_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "pa55" not in file.read_text()


def test_a_token_of_another_address_is_not_used(server, words, configured, login, made) -> None:
    issues_tokens(server, words)
    token_of(server, made())
    other = Endpoint(configured(server.url, **login), f"{server.url}/api/v1")
    other.peek("/models", Deadline(20))
    assert "Authorization" not in server.got[-1].headers
    other.close()


@pytest.mark.parametrize(("expires", "holds"), [(3600, 3480), (60, 54), (10**9, 30 * 86400 - 120)])
def test_it_is_renewed_before_it_ends(
    server, words, made, monkeypatch: pytest.MonkeyPatch, expires: float, holds: float
) -> None:
    issues_tokens(server, words, expires)
    one = made()
    token_of(server, one)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + holds - 2)
    assert token_of(server, one) == token_of(server, made()) == "token-1"
    monkeypatch.setattr(time, "time", lambda: now + holds + 1)
    assert token_of(server, one) == "token-2"
    assert token_of(server, made()) == "token-2"


@pytest.mark.parametrize("expires", [None, "soon", -5, float("nan"), 0])
def test_a_token_whose_life_is_unknown_lasts_an_hour(
    server, words, made, monkeypatch: pytest.MonkeyPatch, expires: object
) -> None:
    issues_tokens(server, words, expires)
    one = made()
    token_of(server, one)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3400)
    assert token_of(server, one) == "token-1"
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert token_of(server, one) == "token-2"


def test_a_refused_token_is_not_used_again(server, words, made) -> None:
    issues_tokens(server, words)
    one, two = made(), made()
    assert token_of(server, one) == token_of(server, two) == "token-1"

    def only_the_second(got) -> object:
        is_right = got.headers.get("Authorization") == "Bearer token-2"
        return words([]) if is_right else words({"detail": "expired"}, 401)

    server.on("GET", "/models", only_the_second)
    assert token_of(server, one) == "token-2"
    assert token_of(server, two) == "token-2"  # which the other has got meanwhile
    assert len(server.asked("/login")) == 2


def test_a_wrong_password(server, words, made, soon) -> None:
    server.on("POST", "/login", words({"detail": "no pa55-of-ann here"}, 401))
    with pytest.raises(GatewayError, match="refused to log in user 'ann'") as failed:
        made().request("GET", "/models", soon)
    assert failed.value.blame == "login"
    assert "check [remote] ml_user and ml_password" in str(failed.value)
    assert "pa55" not in str(failed.value)


@pytest.mark.parametrize(
    "content",
    [[], {}, *({"access_token": token} for token in (5, "", "a\r\nX: y", "a" * 9000, "ü"))],
)
def test_a_login_without_a_token(server, words, made, soon, content: object) -> None:
    server.on("POST", "/login", words(content))
    with pytest.raises(GatewayError, match="has no token") as failed:
        made().request("GET", "/models", soon)
    assert failed.value.blame == "server"


def test_a_login_that_is_put_off(server, words, made, soon) -> None:
    server.on("POST", "/login", words({"detail": "too many"}, 429, **{"Retry-After": "40"}))
    with pytest.raises(GatewayError) as failed:
        made().request("GET", "/models", soon)
    assert (failed.value.blame, failed.value.after) == ("busy", 40)


def test_a_server_that_is_not_there(nobody, configured, soon) -> None:
    endpoint = Endpoint(configured(nobody), nobody)
    with pytest.raises(GatewayError, match="refused the connection: does the server run") as failed:
        endpoint.request("GET", "/models?token=s3cret", soon)
    assert failed.value.blame == "server"
    assert "s3cret" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


def test_a_response_that_is_too_long_is_not_read_to_its_end(raw, configured, soon) -> None:
    sent = []

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            connection.sendall(b" " * 1_000_000)
            sent.append(1)

    server = raw(answer)
    endpoint = Endpoint(configured(server.url), server.url)
    with pytest.raises(GatewayError, match=str(MAX_BODY)):
        endpoint.request("GET", "/models", soon)
    assert len(sent) < 100


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(
    server, other, words, made, soon
) -> None:
    issues_tokens(server, words)
    server.on("GET", "/models", (302, {"Location": f"{other.url}/models"}, b""))
    assert made().request("GET", "/models", soon).location == f"{other.url}/models"
    assert other.got == []


def test_without_requests_the_part_is_named(nobody, configured, soon, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(MissingPart, match="\\.\\[remote\\]"):
        Endpoint(configured(nobody), nobody).request("GET", "/", soon)


def response(status: int, body: bytes = b"", **headers: str) -> HttpResponse:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse("http://gpu/infer", status, body, names)


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
    error = refused(response(status, b'{"detail": "no such thing"}', Retry_After="3"))
    assert error.blame == blame
    assert text in str(error)
    assert error.after == (3 if blame == "busy" else 0)


def test_a_redirect_is_shown_without_its_query() -> None:
    error = refused(response(302, Location="http://other/models?token=s3cret"))
    assert "redirects to http://other/models, which is not followed" in str(error)
    assert "s3cret" not in str(error)
    assert error.blame == "server"


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 1), ("x", 1), ("12", 12), ("99999999", 3600), ("²", 1)]
)
def test_how_long_to_wait(text: str, seconds: float) -> None:
    assert wait_seconds(response(503, Retry_After=text)) == seconds


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
    message = str(not_understood(response(200, body), "", "pa55"))
    assert text in message
    assert "pa55" not in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize(
    ("failure", "blame", "text"),
    [
        (HttpFailure.REFUSED, "server", "refused the connection: does the server run"),
        (HttpFailure.NAME, "server", "cannot be resolved: check [remote] ml_gateway"),
        (HttpFailure.CERTIFICATE, "server", "cannot be verified: see [remote] ml_verify"),
        (HttpFailure.TIMEOUT, "server", "see [remote] ml_timeout"),
        (HttpFailure.CLOSED, "server", "before its response was complete"),
        (HttpFailure.NO_TIME, "request", "no time left"),
    ],
)
def test_no_response(failure: HttpFailure, blame: str, text: str) -> None:
    error = no_response("http://gpu", HttpProblem("http://gpu/models", failure))
    assert str(error).startswith("http://gpu: ")
    assert text in str(error)
    assert error.blame == blame
