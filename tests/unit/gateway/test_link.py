"""Asking as the user of the settings."""

from __future__ import annotations

import pytest

from zmhook.deadline import Deadline
from zmhook.errors import GatewayError
from zmhook.gateway.link import Link


@pytest.fixture
def link(server, configured, login):
    made = Link(configured(server.url, **login, ml_timeout=3.0), server.url)
    yield made
    made.close()


@pytest.fixture
def stranger(server, configured):
    made = Link(configured(server.url), server.url)
    yield made
    made.close()


def test_it_logs_in_when_asking(server, words, link, soon) -> None:
    server.on("GET", "/models", words([]))
    server.wants_login("/models")
    assert link.ask("GET", "/models", soon).ok
    assert link.ask("GET", "/models", soon).ok
    assert [got.path for got in server.got] == ["/login", "/models", "/models"]


def test_a_look_around_logs_nobody_in(server, words, link, soon) -> None:
    server.on("GET", "/models", words([]))
    server.wants_login("/models")
    assert link.peek("/models", soon).status == 401
    link.ask("GET", "/models", soon)
    assert link.peek("/models", soon).ok


@pytest.mark.parametrize("status", [401, 422])
def test_a_token_that_ended_is_renewed_once(server, words, link, soon, status: int) -> None:
    answers = [words({"msg": "Token has expired"}, status), words({"a": 1})]
    server.on("POST", "/login", lambda _: words({"access_token": f"t{len(server.got)}"}))
    server.on("POST", "/look", lambda _: answers.pop(0))
    assert link.ask("POST", "/look", soon).data() == {"a": 1}
    tokens = [got.headers["Authorization"] for got in server.asked("/look")]
    assert len(set(tokens)) == 2


def test_a_token_that_is_never_right(server, words, link, soon) -> None:
    server.on("POST", "/login", words({"access_token": "t0ken-of-ann", "expires": 99}))
    server.on("POST", "/look", words({"detail": "not t0ken-of-ann"}, 401))
    with pytest.raises(GatewayError, match="does not let user 'ann' ask") as failed:
        link.ask("POST", "/look", soon)
    assert failed.value.blame == "login"
    assert "t0ken" not in str(failed.value)
    assert len(server.asked("/look")) == 2


def test_who_has_no_user_is_told_to_set_one(server, words, stranger, soon) -> None:
    server.on("POST", "/look", words({"detail": "log in first"}, 401))
    with pytest.raises(GatewayError, match=r"set \[remote\] ml_user and ml_password"):
        stranger.ask("POST", "/look", soon)
    assert len(server.got) == 1


def test_no_more_than_the_time_that_is_left(server, stranger) -> None:
    with pytest.raises(GatewayError, match="no time left") as failed:
        stranger.ask("GET", "/models", Deadline(0))
    assert failed.value.blame == "request"
    assert server.got == []


def test_a_user_in_the_address_is_not_shown(configured) -> None:
    assert Link(configured(), "http://ann:pa55@gpu:5000/api").place == "http://gpu:5000/api"
