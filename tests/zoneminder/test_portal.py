"""The login, the notices and the refusals of a real portal."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zmhook.errors import LoginError, PortalError
from zmhook.net.tokens import TokenStore
from zmhook.settings import Secret
from zmhook.zoneminder.api import Portal

pytestmark = pytest.mark.zoneminder
SECRET = "secret of the tests"
LOGIN = "POST /zm/api/host/login.json"


@pytest.fixture
def portal(general) -> Iterator[Callable[..., Portal]]:
    made: list[Portal] = []

    def make(**changed: object) -> Portal:
        made.append(Portal(general(**changed)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def event_id(recorded_event, photo) -> int:
    return recorded_event(photo("dog.jpg")).id


def signed(**claims: object) -> str:
    """A token as ZoneMinder would sign it."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    head = part(b'{"typ":"JWT","alg":"HS256"}')
    given = {"iss": "ZoneMinder", "iat": time.time() - 9000, "user": "admin", "type": "access"}
    text = f"{head}.{part(json.dumps({**given, **claims}).encode())}"
    return f"{text}.{part(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256))}"


def keep_token(zm, folder: Path, token: str) -> None:
    """Leave a login for the next process to find."""
    kept_login(zm, folder).write(f"token={token}", time.time() + 5000)


def kept_login(zm, folder: Path) -> TokenStore:
    return TokenStore(str(folder), f"{zm.url}/api", "admin")


def test_one_login_for_many_processes(zm, portal, event_id: int) -> None:
    before = len(zm.requests(LOGIN))
    for _ in range(3):
        assert portal().image(event_id, "snapshot")
        assert portal().event(event_id)["Id"] == event_id
    assert len(zm.requests(LOGIN)) - before == 1


def test_a_good_signature_is_accepted(zm, portal, event_id: int, tmp_path: Path) -> None:
    """Otherwise the test below would not be about the time."""
    keep_token(zm, tmp_path, signed(exp=int(time.time()) + 3600))
    before = len(zm.requests(LOGIN))
    assert portal().event(event_id)
    assert portal().image(event_id, "alarm")
    assert len(zm.requests(LOGIN)) == before


@pytest.mark.parametrize("method", ["image", "event"])
@pytest.mark.parametrize("kind", ["expired", "foreign", "garbage"])
def test_token_that_is_refused_costs_one_login(
    zm, portal, event_id: int, tmp_path: Path, kind: str, method: str
) -> None:
    expired = signed(exp=int(time.time()) - 60)
    foreign = signed(exp=int(time.time()) + 3600)[:-4] + "AAAA"
    keep_token(zm, tmp_path, {"expired": expired, "foreign": foreign, "garbage": "x"}[kind])
    before = len(zm.requests(LOGIN))
    assert portal().image(event_id, "1") if method == "image" else portal().event(event_id)
    assert len(zm.requests(LOGIN)) - before == 1
    assert portal().image(event_id, "1")
    assert len(zm.requests(LOGIN)) - before == 1
    assert kept_login(zm, tmp_path).path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("login", "says"),
    [
        (
            {"password": Secret("wrong")},
            "refused to log in user 'admin'.*(Login denied for|Invalid)",
        ),
        ({"user": "nobody"}, "refused to log in user 'nobody'"),
        ({"user": "", "password": Secret()}, r"asks for a login.*\[general\] user is empty"),
        ({"password": Secret()}, "password is empty"),
    ],
)
def test_refused_login(zm, portal, event_id: int, login: dict[str, object], says: str) -> None:
    with pytest.raises(LoginError, match=says):
        portal(**login).image(event_id, "snapshot")


def test_password_of_any_characters(zm, portal, event_id: int) -> None:
    password = 'a&b=c%41+ #?;"ü€🙂'
    hashed = hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest()
    zm.sql(
        "INSERT INTO Users (Username, Password, Enabled, Events, Monitors, APIEnabled)"
        f" VALUES ('odd', '*{hashed.upper()}', 1, 'View', 'View', 1)"
    )
    try:
        odd = portal(user="odd", password=Secret(password))
        assert odd.image(event_id, "snapshot")
        assert odd.event(event_id)["Id"] == event_id
    finally:
        zm.sql("DELETE FROM Users WHERE Username='odd'")


def test_user_who_may_not_see_events(zm, portal, event_id: int) -> None:
    zm.sql(
        "INSERT INTO Users (Username, Password, Enabled, Events, Monitors, APIEnabled)"
        " SELECT 'blind', Password, 1, 'None', 'View', 1 FROM Users WHERE Username='admin'"
    )
    try:
        with pytest.raises(LoginError, match="'blind' could log in, but is not given snapshot"):
            portal(user="blind").image(event_id, "snapshot")
        with pytest.raises(PortalError, match=r"blind|status 40\d"):
            portal(user="blind").event(event_id)
    finally:
        zm.sql("DELETE FROM Users WHERE Username='blind'")


def test_user_who_may_not_use_the_api(zm, portal, event_id: int) -> None:
    zm.sql("UPDATE Users SET APIEnabled=0 WHERE Username='admin'")
    try:
        with pytest.raises(LoginError, match=r"API disabled for: .*lets this user use the API"):
            portal().image(event_id, "snapshot")
    finally:
        zm.sql("UPDATE Users SET APIEnabled=1 WHERE Username='admin'")


def test_login_is_kept_when_none_is_needed(zm, portal, event_id: int) -> None:
    zm.set_auth(False)
    before = len(zm.requests(LOGIN))
    for _ in range(2):
        assert portal().image(event_id, "snapshot")
        assert portal().event(event_id)
    assert len(zm.requests(LOGIN)) - before == 1
    zm.set_auth(True)
    assert portal().image(event_id, "snapshot")


def test_privacy_notice(zm, portal, event_id: int) -> None:
    zm.set_option("ZM_SHOW_PRIVACY", "1")
    with pytest.raises(PortalError, match=r"shows its privacy notice.*SHOW_PRIVACY"):
        portal().image(event_id, "snapshot")


def test_event_that_does_not_exist(zm, portal) -> None:
    with pytest.raises(PortalError, match=r"does not know event 987654.*'Invalid event'"):
        portal().event(987654)
    with pytest.raises(PortalError, match="does not know the notes of event 987654"):
        portal().set_notes(987654, "x")


def test_wrong_addresses(zm, portal) -> None:
    with pytest.raises(PortalError, match=r"expected JSON, got status 40[34], an HTML page"):
        portal(portal=zm.url.replace("/zm", "/zoneminder")).image(1, "snapshot")
    with pytest.raises(PortalError, match=r"titled 'ZM - Login'|expected JSON"):
        portal(api_portal=zm.url).image(1, "snapshot")


def test_no_token_in_the_log(zm, portal, event_id: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asked = portal()
    asked.image(event_id, "snapshot")
    with pytest.raises(PortalError) as caught:
        asked.event(987654)
    token = str(asked._credentials).partition("=")[2]
    assert len(token) > 100
    assert token[:40] not in caplog.text + repr(caught.value)
