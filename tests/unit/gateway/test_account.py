"""Being logged in at a gateway."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from zmhook.errors import GatewayError
from zmhook.gateway.account import FILE, Account
from zmhook.gateway.wire import Wire


@pytest.fixture
def wire():
    made = Wire("http://gpu", verify=True)
    yield made
    made.close()


@pytest.fixture
def made(server, configured, login):
    return lambda **more: Account(configured(server.url, **{**login, **more}), server.url)


def gives(server, words, expires: object = 3600) -> None:
    """Have it give a new token each time."""
    server.on(
        "POST",
        "/login",
        lambda _: words({"access_token": f"token-{len(server.got)}", "expires": expires}),
    )


def test_without_a_user_nobody_logs_in(server, made, wire) -> None:
    assert made(ml_user="").token(wire, 5) == ""
    assert made(ml_user="").held() == ""
    assert server.got == []


def test_a_token_is_kept_for_other_processes(server, words, made, wire, tmp_path: Path) -> None:
    gives(server, words)
    assert made().token(wire, 5) == made().token(wire, 5) == made().held() == "token-1"
    (got,) = server.got
    assert got.json == {"username": "ann", "password": "pa55-of-ann"}
    file = tmp_path / "cache" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "pa55" not in file.read_text()


def test_a_token_of_another_address_is_not_taken(server, words, configured, login, wire) -> None:
    gives(server, words)
    settings = configured(server.url, **login)
    Account(settings, server.url).token(wire, 5)
    assert Account(settings, f"{server.url}/api/v1").held() == ""


@pytest.mark.parametrize(("expires", "holds"), [(3600, 3480), (60, 54), (10**9, 30 * 86400 - 120)])
def test_it_is_renewed_before_it_ends(
    server, words, made, wire, monkeypatch: pytest.MonkeyPatch, expires: float, holds: float
) -> None:
    gives(server, words, expires)
    one = made()
    one.token(wire, 5)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + holds - 2)
    assert one.token(wire, 5) == made().token(wire, 5) == "token-1"
    monkeypatch.setattr(time, "time", lambda: now + holds + 1)
    assert one.token(wire, 5) == "token-2"
    assert made().token(wire, 5) == "token-2"


@pytest.mark.parametrize("expires", [None, "soon", -5, float("nan"), 0])
def test_where_nobody_says_how_long_it_lasts_it_is_an_hour(
    server, words, made, wire, monkeypatch: pytest.MonkeyPatch, expires: object
) -> None:
    gives(server, words, expires)
    one = made()
    one.token(wire, 5)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3400)
    assert one.token(wire, 5) == "token-1"
    monkeypatch.setattr(time, "time", lambda: now + 3600)
    assert one.token(wire, 5) == "token-2"


def test_a_refused_token_is_not_taken_up_again(server, words, made, wire) -> None:
    gives(server, words)
    one, two = made(), made()
    one.token(wire, 5)
    two.token(wire, 5)
    one.forget()
    assert one.held() == ""
    assert one.token(wire, 5) == "token-2"
    two.forget()
    assert two.token(wire, 5) == "token-2"  # which the other has got meanwhile
    assert len(server.got) == 2


def test_a_wrong_password(server, words, made, wire) -> None:
    server.on("POST", "/login", words({"detail": "no pa55-of-ann here"}, 401))
    with pytest.raises(GatewayError, match="refused to log in user 'ann'") as failed:
        made().token(wire, 5)
    assert failed.value.blame == "login"
    assert "check [remote] ml_user and ml_password" in str(failed.value)
    assert "pa55" not in str(failed.value)


@pytest.mark.parametrize(
    "said",
    [[], {}, *({"access_token": token} for token in (5, "", "a\r\nX: y", "a" * 9000, "ü"))],
)
def test_an_answer_without_a_token(server, words, made, wire, said: object) -> None:
    server.on("POST", "/login", words(said))
    with pytest.raises(GatewayError, match="has no token") as failed:
        made().token(wire, 5)
    assert failed.value.blame == "server"


def test_a_login_that_is_put_off(server, words, made, wire) -> None:
    server.on("POST", "/login", words({"detail": "too many"}, 429, **{"Retry-After": "40"}))
    with pytest.raises(GatewayError) as failed:
        made().token(wire, 5)
    assert (failed.value.blame, failed.value.after) == ("busy", 40)


def test_what_it_says_of_itself_is_no_secret(made) -> None:
    one = made()
    assert "pa55" not in repr(vars(one))
