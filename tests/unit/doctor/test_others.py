"""Servers of others: what they answer, for questions that cost nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from zmhook.doctor.others import checks


@pytest.fixture
def found(patient, endpoint) -> Callable[..., list]:
    def examine(text: str, *answers: tuple) -> list:
        endpoint.answers = [*answers]
        made = patient(text.replace("URL", endpoint.url))
        return [each for check in checks(made) for each in check.run()]

    return examine


KEY = "k3y-of-mine"
GEMINI = f"models = gemini\n[gemini]\ngemini_url = URL\ngemini_model = m-1\ngemini_key = {KEY}\n"
OPENAI = (
    "models = gemini\n[gemini]\ngemini_backend = openai\ngemini_url = URL/v1\ngemini_model = m-1\n"
)
PLATES = (
    f"models = alpr\n[alpr]\nalpr_service = plate_recognizer\nalpr_url = URL\nalpr_key = {KEY}\n"
)


def test_nothing_is_asked_that_is_not_set(found):
    assert found("models = hog\n") == []


def test_gemini_knows_the_model(found, endpoint):
    (finding,) = found(GEMINI, (200, {}, b'{"name": "models/m-1"}'))
    assert finding.state == "ok"
    (asked,) = endpoint.got
    assert (asked.method, asked.path) == ("GET", "/v1beta/models/m-1")
    assert asked.headers["x-goog-api-key"] == "k3y-of-mine"


@pytest.mark.parametrize(("text"), [GEMINI, PLATES])
def test_a_key_that_is_refused(text: str, found):
    (finding,) = found(text, (403, {}, b"{}"))
    assert finding.state == "fault"
    assert "refuses the key" in finding.text
    assert "copy the key again" in finding.cure


def test_gemini_without_a_key(found):
    (finding,) = found("models = gemini\n[gemini]\ngemini_key =\n")
    assert finding.state == "fault"
    assert "there is no key" in finding.text


def test_a_model_of_ones_own(found, endpoint):
    (finding,) = found(OPENAI, (200, {}, json.dumps({"data": [{"id": "m-1"}]}).encode()))
    assert finding.state == "ok"
    assert endpoint.got[0].path == "/v1/models"
    (finding,) = found(OPENAI, (200, {}, b'{"data": []}'))
    assert finding.state == "warning"
    assert "ollama pull m-1" in finding.cure
    (finding,) = found(OPENAI, (404, {}, b""))
    assert finding.state == "fault"


def test_plates(found, endpoint):
    (finding,) = found(PLATES, (200, {}, b'{"usage": {"calls": 4}}'))
    assert finding.state == "ok"
    assert endpoint.got[0].path.endswith("/statistics/")
    (finding,) = found("models = alpr\n[alpr]\nalpr_service = open_alpr\n")
    assert finding.state == "unchecked"


def test_nobody_answers(found):
    text = (
        "models = gemini\n[gemini]\ngemini_backend = openai\ngemini_url = http://127.0.0.1:9/v1\n"
    )
    (finding,) = found(text)
    assert finding.state == "fault"
    assert "refused the connection" in finding.text


def test_a_webhook_is_not_posted_to(found, endpoint):
    (finding,) = found("models = hog\n[notify]\nnotify_webhook = URL/k3y-of-mine\n")
    assert finding.state == "ok"
    assert "k3y-of-mine" not in finding.text
    assert endpoint.got == []
    (finding,) = found("models = hog\n[notify]\nnotify_webhook = http://127.0.0.1:9/k3y\n")
    assert finding.state == "fault"
    assert "k3y" not in finding.text


def test_apprise_and_a_remote_server(found):
    pytest.importorskip("apprise")
    text = "models = yolo\n[notify]\nnotify_apprise = k3yk3yk3y\n[remote]\nml_gateway = http://127.0.0.1:9\n"
    findings = {each.name: each for each in found(text)}
    assert findings["gateway http://127.0.0.1:9"].state == "fault"
    assert "remote status" in findings["gateway http://127.0.0.1:9"].cure
    assert findings["apprise 1 (?://...)"].state == "fault"
