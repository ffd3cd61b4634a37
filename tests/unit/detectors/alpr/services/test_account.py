"""Requests to a server that answers, refuses, hangs, breaks off and talks nonsense."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from zmhook.deadline import Deadline
from zmhook.detectors.alpr.services.account import MOST_PENDING, TOO_MANY, Account, PlateRequest
from zmhook.detectors.alpr.services.base import PlateServiceError
from zmhook.settings import Alpr, General, Secret, Settings

KEY = "key"


@pytest.fixture
def make_account(tmp_path):
    accounts: list[Account] = []

    def make(timeout: float = 5.0, meanings=None) -> Account:
        settings = Settings(
            general=General(base_data_path=str(tmp_path)),
            alpr=Alpr(alpr_timeout=timeout, alpr_key=Secret(KEY)),
        )
        accounts.append(Account(settings, "http://plates", counted=False, meanings=meanings))
        return accounts[-1]

    yield make
    for account in accounts:
        account.close()
        account.close()


def question(url: str, path: str = "/v1/plate-reader/") -> PlateRequest:
    return PlateRequest("POST", f"{url}{path}", {"data": {"a": "b"}}, f"Token {KEY}")


def refusal(account: Account, url: str, seconds: float = 20.0) -> PlateServiceError:
    with pytest.raises(PlateServiceError) as caught:
        account.ask(question(url), Deadline(seconds))
    said = str(caught.value)
    assert "\n" not in said
    assert f"'{KEY}'" not in said
    return caught.value


def test_one_connection_serves_many_questions(make_account, fake_plates):
    account = make_account()
    for _ in range(3):
        assert account.ask(question(fake_plates.url), Deadline(5))["results"]
    assert fake_plates.connections == 1
    assert fake_plates.asked[0].headers["authorization"] == f"Token {KEY}"


def test_no_password_is_taken_from_elsewhere(make_account, fake_plates, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    request = PlateRequest("POST", f"{fake_plates.url}/v1/plate-reader/", {})
    assert make_account().ask(request, Deadline(5))["usage"]
    assert "authorization" not in fake_plates.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "short", "advice"),
    [
        ("401", "the key is refused", "[alpr] alpr_key is refused: copy it from your account"),
        ("402", "no look-ups left", "wait, or buy more"),
        ("403", "the key is refused", "Invalid token."),
        ("403-credits", "no look-ups left", "wait, or buy more"),
        ("404", "no such service", "check [alpr] alpr_url"),
        ("413", "picture too large", "lower [alpr] alpr_max_size"),
        ("429-long", "too many requests", "too often for your plan"),
        ("redirect", "no such service", "redirects are not followed"),
        ("html", "answer not understood", "Log in to the hotel's network"),
        ("list", "answer not understood", "answers something else: '[1, 2]'"),
        ("deep", "answer not understood", "answers something else: '[[["),
        ("huge", "answer not understood", "more than 1048576 bytes"),
        ("echo-key", "refused", "answers 400"),
    ],
)
def test_refusals_are_told_apart_and_asked_once(make_account, fake_plates, answer, short, advice):
    fake_plates.will(answer)
    refused = refusal(make_account(), fake_plates.url)
    assert refused.short == f"alpr skipped: {short}"
    assert advice in str(refused)
    assert str(refused).startswith(f"alpr: {fake_plates.url}/v1/plate-reader/")
    assert len(fake_plates.asked) == 1


@pytest.mark.parametrize(
    ("answer", "short"),
    [
        ("429", "too many requests"),
        ("500", "no answer"),
        ("503", "no answer"),
        ("cut", "no answer"),
        ("close", "no answer"),
    ],
)
def test_what_may_pass_is_asked_once_more_and_no_more(make_account, fake_plates, answer, short):
    fake_plates.will(answer)
    assert refusal(make_account(), fake_plates.url).short == f"alpr skipped: {short}"
    assert len(fake_plates.asked) == 2


@pytest.mark.parametrize("answer", ["429", "500", "cut"])
def test_the_second_answer_counts(make_account, fake_plates, answer, waits):
    fake_plates.will(answer, "ok")
    assert make_account().ask(question(fake_plates.url), Deadline(10))["results"]
    assert waits == [1.0]


def test_nothing_is_asked_again_without_the_time_for_it(make_account, fake_plates):
    fake_plates.will("429")
    assert refusal(make_account(), fake_plates.url, 1.2).until == pytest.approx(
        time.time() + 1, abs=30
    )
    assert len(fake_plates.asked) == 1


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_a_server_that_does_not_come_to_an_end(make_account, fake_plates, answer):
    fake_plates.will(answer)
    refused = refusal(make_account(timeout=0.6), fake_plates.url)
    assert refused.short == "alpr skipped: no answer in time"
    assert "within 0.6 s: is it overloaded? ([alpr] alpr_timeout)" in str(refused)
    assert refused.counts
    assert len(fake_plates.asked) == 1


def test_questions_that_do_not_end_are_bounded(make_account, fake_plates):
    fake_plates.will("drip")
    account = make_account(timeout=0.5)
    for _ in range(MOST_PENDING):
        refusal(account, fake_plates.url)
    assert "earlier requests have not ended yet" in str(refusal(account, fake_plates.url))
    assert len(fake_plates.asked) == MOST_PENDING


def test_no_time_left_is_no_question(make_account, fake_plates):
    assert refusal(make_account(), fake_plates.url, 0.1).short == "alpr skipped: no time left"
    assert fake_plates.asked == []


def test_nobody_listens(make_account):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        refused = refusal(make_account(), f"http://127.0.0.1:{free.getsockname()[1]}")
    assert refused.short == "alpr skipped: no connection"
    assert "does it run, and is the port right?" in str(refused)


def test_a_name_that_nobody_has(make_account):
    assert refusal(make_account(), "http://plates.invalid").short == "alpr skipped: no network"


def test_a_server_that_speaks_something_else(make_account):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        from threading import Thread

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

        thread = Thread(target=greet)
        thread.start()
        refused = refusal(make_account(), f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert refused.short == "alpr skipped: no answer"


def test_a_service_may_mean_something_else_by_a_status(make_account, fake_plates):
    fake_plates.will("403")
    refused = refusal(make_account(meanings={403: TOO_MANY}), fake_plates.url)
    assert refused.short == "alpr skipped: too many requests"
    assert len(fake_plates.asked) == 2


def test_the_key_and_what_is_unprintable_are_left_out_of_what_it_says(make_account, fake_plates):
    fake_plates.will("echo-key")
    said = str(refusal(make_account(), fake_plates.url))
    assert "the *** is odd" not in said  # only the key itself is hidden
    assert "the *** *** is odd" in said
    assert "\x1b" not in said
    assert len(said) < 400


def test_addresses_with_keys_are_not_logged(make_account, fake_plates, caplog):
    caplog.set_level(logging.DEBUG)
    account = make_account()
    request = PlateRequest(
        "POST", f"{fake_plates.url}/v2/recognize_bytes", {"params": {"x": "hunter2"}}
    )
    fake_plates.will("500")
    with pytest.raises(PlateServiceError) as caught:
        account.ask(request, Deadline(10))
    assert "hunter2" not in caplog.text + str(caught.value)


def test_the_log_tells_what_is_left_and_warns_once(tmp_path, fake_plates, caplog):
    caplog.set_level(logging.INFO)
    settings = Settings(
        general=General(base_data_path=str(tmp_path)),
        alpr=Alpr(alpr_key=Secret(KEY), alpr_per_month=10),
    )
    account = Account(settings, "cloud")
    for _ in range(10):
        account.look_up(question(fake_plates.url), Deadline(20))
    with pytest.raises(PlateServiceError, match="this month's 10 look-ups are used up") as caught:
        account.look_up(question(fake_plates.url), Deadline(20))
    account.close()
    assert caught.value.short == "alpr skipped: no look-ups left"
    levels = [record.levelname for record in caplog.records]
    assert levels.count("WARNING") == 1
    assert caplog.messages[0] == "alpr: 1 requests this month, 9 left"
    assert levels[caplog.messages.index("alpr: 9 requests this month, 1 left")] == "WARNING"
    assert all(KEY.encode() not in file.read_bytes() for file in (tmp_path / "cache").iterdir())
