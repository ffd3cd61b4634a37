from __future__ import annotations

import base64
import sys

import pytest
from msgspec import json

from zmhook.errors import MissingPart, Undelivered
from zmhook.notify import apprise
from zmhook.settings import Secret

PORTAL = {"portal": "https://zm.example.org/zm"}


@pytest.fixture
def addressed(work, endpoint):
    def make(**more):
        given = Secret(f"nonsense\n json://{endpoint.place}/one/s3cr3t")
        return work(**{"job": "apprise-2", "notify_apprise": given, "notify_timeout": 5, **more})

    return make


def test_title_body_and_picture(addressed, endpoint) -> None:
    endpoint.answers.append((200, {}, b""))
    apprise.send(
        addressed(
            notify_title="{monitor}! {labels}",
            event={"asked": 0.0},
            general={**PORTAL, "user": "me"},
        )
    )
    (got,) = endpoint.got
    sent = json.decode(got.body)
    assert got.path.startswith("/one/s3cr3t")
    assert sent["title"] == "Drive! dog, person"
    first, when, url = sent["message"].splitlines()
    assert first == "[s] detected:dog:90% person:90%"
    assert when.startswith(("1970-01-01T", "1969-12-31T"))
    assert url == "https://zm.example.org/zm/index.php?view=event&eid=7"
    (attachment,) = sent["attachments"]
    assert attachment["filename"] == "event-7.jpg"
    assert base64.b64decode(attachment["base64"]).startswith(b"\xff\xd8")


def test_commas_between_addresses_make_two_of_them(addressed, endpoint) -> None:
    given = Secret(f"json://{endpoint.place}/a,json://{endpoint.place}/b")
    for number in (1, 2):
        endpoint.answers.append((200, {}, b""))
        apprise.send(addressed(notify_apprise=given, job=f"apprise-{number}"))
    assert [got.path.rstrip("/") for got in endpoint.got] == ["/a", "/b"]


def test_without_a_picture(addressed, endpoint) -> None:
    endpoint.answers.append((200, {}, b""))
    apprise.send(addressed(notify_picture=False))
    assert json.decode(endpoint.got[0].body)["attachments"] == []


def test_one_that_fails_may_be_tried_again(addressed, endpoint) -> None:
    endpoint.answers.append((500, {}, b""))
    with pytest.raises(Undelivered, match=r"address 2 \(json://\.\.\.\): was not delivered") as got:
        apprise.send(addressed())
    assert got.value.retry
    assert "s3cr3t" not in str(got.value)


@pytest.mark.parametrize(
    ("job", "why"), [("apprise-1", "does not understand it"), ("apprise-3", "not there any more")]
)
def test_what_stays_wrong_is_not_tried_again(job: str, why: str, addressed, endpoint) -> None:
    with pytest.raises(Undelivered, match=why) as caught:
        apprise.send(addressed(job=job))
    assert not caught.value.retry
    assert endpoint.got == []


def test_the_time_limit_is_ours(addressed) -> None:
    service = apprise._service(addressed(), 2)
    assert service.request_timeout == (5, 5)


def test_without_the_package(addressed, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingPart, match="apprise"):
        apprise.send(addressed())
