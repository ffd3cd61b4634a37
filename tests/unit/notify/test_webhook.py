from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from email.utils import formatdate

import pytest
from msgspec import json

from zmhook.errors import Undelivered
from zmhook.notify import webhook
from zmhook.settings import Secret

PATH = "/services/T00/B00/s3cr3t"


@pytest.fixture
def hooked(work, endpoint):
    """A job for the endpoint."""

    def make(**more):
        return work(**{"notify_webhook": Secret(endpoint.url + PATH), **more})

    return make


def test_our_own_json(hooked, endpoint) -> None:
    webhook.send(hooked(event={"cause": "Motion"}))

    (got,) = endpoint.got
    body = json.decode(got.body)
    assert (got.method, got.path) == ("POST", PATH)
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["X-Zmhook-Delivery"] == "1732212345678-0123abcd-m3"
    assert "X-Zmhook-Signature" not in got.headers
    assert body["labels"] == ["dog", "person"]
    assert (body["event"], body["monitor_id"], body["monitor"]) == (7, 3, "Drive")
    assert body["line"] == "[s] detected:dog:90% person:90%"
    assert [one["label"] for one in body["decision"]["detections"]] == ["dog", "person", "dog"]
    assert base64.b64decode(body["picture"]).startswith(b"\xff\xd8")


def test_the_body_is_signed(hooked, endpoint) -> None:
    webhook.send(hooked(notify_webhook_secret=Secret("key")))
    (got,) = endpoint.got
    expected = hmac.new(b"key", got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Zmhook-Signature"] == f"sha256={expected}"


def test_no_picture_where_none_is_wanted_or_it_is_large(hooked, endpoint, monkeypatch) -> None:
    webhook.send(hooked(notify_picture=False))
    monkeypatch.setattr(webhook, "LARGEST_PICTURE", 100)
    webhook.send(hooked())
    assert [("picture" in json.decode(got.body)) for got in endpoint.got] == [False, False]


def test_a_template(hooked, endpoint, tmp_path) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"text": {line}, "who": [{monitor}, {event}], "plain": "{no word}"}')
    webhook.send(hooked(notify_webhook_template=str(file), event={"monitor_name": 'a "gate"'}))
    assert json.decode(endpoint.got[0].body) == {
        "text": "[s] detected:dog:90% person:90%",
        "who": ['a "gate"', "7"],
        "plain": "{no word}",
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b'{"text": "{line}"}', "bring their own quotes"),
        (b"\xff\xfe{}", "it is not UTF-8"),
    ],
)
def test_a_template_that_is_of_no_use(content, why: str, hooked, endpoint, tmp_path) -> None:
    file = tmp_path / "body.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Undelivered, match=why) as caught:
        webhook.send(hooked(notify_webhook_template=str(file)))
    assert not caught.value.retry
    assert str(file) in str(caught.value)
    assert endpoint.got == []


@pytest.mark.parametrize(
    ("status", "retry"),
    [(500, True), (503, True), (429, True), (408, True), (400, False), (401, False), (404, False)],
)
def test_which_answers_are_worth_another_try(status: int, retry: bool, hooked, endpoint) -> None:
    endpoint.answers.append((status, {}, b"what it says"))
    with pytest.raises(Undelivered, match=f"answers with status {status}") as caught:
        webhook.send(hooked())
    assert caught.value.retry is retry
    assert "s3cr3t" not in str(caught.value)
    assert endpoint.place in str(caught.value)


def test_a_redirect_is_not_followed(hooked, endpoint) -> None:
    endpoint.answers.append((307, {"Location": f"{endpoint.url}/elsewhere/s3cr3t"}, b""))
    with pytest.raises(Undelivered, match="redirect") as caught:
        webhook.send(hooked(notify_webhook_secret=Secret("key")))
    assert not caught.value.retry
    assert "s3cr3t" not in str(caught.value)
    assert len(endpoint.got) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("999999", webhook.LONGEST_WAIT),
        ("soon", 0.0),
        ("-5", 0.0),
        ("", 0.0),
        (formatdate(0, usegmt=True), 0.0),
    ],
)
def test_retry_after(value: str, seconds: float, hooked, endpoint) -> None:
    endpoint.answers.append((503, {"Retry-After": value}, b""))
    with pytest.raises(Undelivered) as caught:
        webhook.send(hooked())
    assert caught.value.after == seconds


def test_retry_after_a_moment(hooked, endpoint) -> None:
    moment = formatdate(time.time() + 100, usegmt=True)
    endpoint.answers.append((503, {"Retry-After": moment}, b""))
    with pytest.raises(Undelivered) as caught:
        webhook.send(hooked())
    assert caught.value.after == pytest.approx(100, abs=30)


def test_nobody_there(hooked) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://me:pw@127.0.0.1:{taken.getsockname()[1]}{PATH}"
        with pytest.raises(Undelivered, match="refused the connection") as caught:
            webhook.send(hooked(notify_webhook=Secret(url)))
    assert caught.value.retry
    assert "s3cr3t" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_one_that_never_answers(hooked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}{PATH}"
        with pytest.raises(Undelivered, match=r"no complete response within 0.1 s") as caught:
            webhook.send(hooked(notify_webhook=Secret(url), notify_timeout=0.1))
    assert caught.value.retry


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://host/x", "http://", "http://[x/", "http://h:x/"]
)
def test_what_is_no_address(url: str, hooked) -> None:
    with pytest.raises(Undelivered, match="is not a complete http or https address") as caught:
        webhook.send(hooked(notify_webhook=Secret(url)))
    assert not caught.value.retry
