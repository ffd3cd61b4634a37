"""What answers at the portal's address. A real ZoneMinder: tests/zoneminder/test_doctor.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from zmhook.doctor.portal import checks

VERSION = (200, {}, json.dumps({"version": "1.36.33", "apiversion": "2.0"}).encode())
TOKEN = (200, {}, json.dumps({"access_token": "a.b.c", "access_token_expires": 7200}).encode())
NOT_IN = (401, {}, json.dumps({"success": False, "data": {"name": "Not Authenticated"}}).encode())


def refused(text: str) -> tuple[int, dict[str, str], bytes]:
    return (401, {}, json.dumps({"success": False, "data": {"name": text}}).encode())


@pytest.fixture
def found(patient, endpoint) -> Callable[..., dict]:
    def examine(text: str, *answers: tuple) -> dict:
        endpoint.answers = [*answers]
        made = patient(f"models = hog\nportal = {endpoint.url}/zm\n{text}")
        return {each.name: each for check in checks(made) for each in check.run()}

    return examine


LOGIN = "user = ann\npassword = hunter22hunter\n"


def test_without_authentication(found):
    findings = found("", VERSION, VERSION)
    assert [each.state for each in findings.values()] == ["ok", "ok", "ok"]
    assert "is ZoneMinder 1.36.33" in findings["portal"].text


def test_a_login(found):
    findings = found(LOGIN, NOT_IN, TOKEN, VERSION)
    assert findings["login"].state == "ok"
    assert findings["login"].text == "user ann is logged in; the API of ZoneMinder 1.36.33 works"


def test_a_wrong_password(found):
    findings = found(LOGIN, NOT_IN, refused('Login denied for user "ann"'))
    assert findings["portal"].state == "ok"
    assert findings["login"].state == "fault"
    assert "refused to log in user 'ann'" in findings["login"].text
    assert "set user and password" in findings["login"].cure
    assert "hunter22" not in repr(findings)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("API disabled for: ann", "set API Enabled for this user"),
        ("API Disabled", "switch OPT_USE_API on"),
    ],
)
def test_no_api(text: str, cure: str, found):
    assert cure in found(LOGIN, NOT_IN, refused(text))["login"].cure


def test_no_user_where_one_is_needed(found):
    login = found("", NOT_IN, NOT_IN)["login"]
    assert login.state == "fault"
    assert "[general] user is empty" in login.text


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"<html><title>Grafana</title></html>"),
        (404, {}, b"<html><title>404 Not Found</title>nginx</html>"),
        (302, {"Location": "/login"}, b""),
        (500, {}, b""),
        (200, {}, b"[]"),
    ],
)
def test_another_program(answer, found):
    findings = found(LOGIN, answer)
    assert [*findings] == ["portal"]
    assert findings["portal"].state == "fault"
    assert "is not ZoneMinder's API" in findings["portal"].text
    assert "set portal" in findings["portal"].cure


def test_nobody_there(patient):
    made = patient("models = hog\nportal = http://127.0.0.1:9/zm\n")
    (finding,) = [each for check in checks(made) for each in check.run()]
    assert finding.state == "fault"
    assert "refused the connection" in finding.text
    assert finding.cure == "try it: curl -kI http://127.0.0.1:9/zm"


def test_no_portal_is_said(patient):
    (finding,) = [each for check in checks(patient()) for each in check.run()]
    assert finding.state == "unchecked"
    assert "portal is not set" in finding.text
    assert checks(patient()._replace(is_broken=True)) == []  # it may be what is wrong


def test_a_certificate_is_looked_at_where_there_is_one(patient, monkeypatch):
    monkeypatch.delenv("https_proxy", raising=False)
    made = patient("models = hog\nportal = https://127.0.0.1:9/zm\n")
    portal, certificate = checks(made)
    assert (portal.name, certificate.name) == ("portal", "certificate")
    (finding,) = certificate.run()
    assert finding.state == "fault"
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "")
    assert [check.name for check in checks(made)] == ["portal"]


def test_basic_authentication(found):
    basic = (401, {"WWW-Authenticate": "Basic realm=x"}, b"")
    finding = found(LOGIN, basic)["portal"]
    assert finding.state == "fault"
    assert "basic_user and basic_password" in finding.cure


def test_a_clock_that_is_wrong(patient, endpoint_type):
    past = datetime.now(timezone.utc) - timedelta(minutes=7)
    endpoint = endpoint_type()
    endpoint.answers = [VERSION, VERSION]
    endpoint._server.RequestHandlerClass.date_time_string = lambda *_: format_datetime(past)
    made = patient(f"models = hog\nportal = {endpoint.url}/zm\n")
    findings = {each.name: each for check in checks(made) for each in check.run()}
    endpoint.close()
    assert findings["clock"].state == "warning"
    assert "s ahead of ZoneMinder's" in findings["clock"].text
    assert "timedatectl" in findings["clock"].cure
