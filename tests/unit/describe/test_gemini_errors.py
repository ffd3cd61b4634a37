"""What Google says, in the forms it has and in those it should not have."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from zmhook.describe.gemini_errors import hints, of_another_kind, refused, without_text
from zmhook.describe.refusals import Refusals, midnight
from zmhook.settings import Gemini

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "29s"}
MINUTE = {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}
DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}


def body(*details: object) -> dict:
    return {"error": {"code": 429, "message": "Quota", "details": list(details)}}


@pytest.mark.parametrize(
    ("payload", "delay"),
    [
        (body(RETRY), 29.0),
        ([body(RETRY)], 29.0),
        (body({"retryDelay": "0.5s"}), 0.5),
        (body({"retryDelay": "soon"}, RETRY), 29.0),
        (body({"retryDelay": {"seconds": 29}}), None),
        (body({"retryDelay": "-3s"}), None),
        (body("text", None, 7), None),
        ({"error": {"details": "text"}}, None),
        ({"error": "text"}, None),
        ({"message": "<html>", "status": "Bad Gateway"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_the_delay_of_an_error(payload: object, delay: float | None) -> None:
    assert hints(payload) == delay


OURS = Refusals(Gemini(gemini_model="m"), "here", "AIza-1")


def error(code: int, message: str = "Quota", payload: object = None, **headers: str):
    response = SimpleNamespace(headers={key.replace("_", "-"): one for key, one in headers.items()})
    return SimpleNamespace(code=code, message=message, details=payload, response=response)


def seconds(one: object) -> float:
    return refused(one, OURS, "").until - time.time()


def test_how_long_to_wait() -> None:
    assert seconds(error(429, payload=body(RETRY, MINUTE))) == pytest.approx(29, abs=5)
    assert seconds(error(429, retry_after="7")) == pytest.approx(7, abs=3)
    assert seconds(error(429, payload=body(RETRY), retry_after="7")) == pytest.approx(29, abs=5)
    assert seconds(error(429)) == pytest.approx(30, abs=5)
    for payload in (body(DAY, RETRY), body(MINUTE, DAY), [body(DAY)]):
        assert refused(error(429, payload=payload), OURS, "").until == midnight()


def test_a_key_that_is_not_valid() -> None:
    one = error(400, "API key not valid: AIza-1", body({"reason": "API_KEY_INVALID"}))
    told = refused(one, OURS, "AIza-1")
    assert told.reason == "the key is refused"
    assert "AIza" not in str(told)


def test_an_error_without_anything() -> None:
    told = refused(SimpleNamespace(code=418), OURS, "")
    assert told.reason == "refused"
    assert "418" in str(told)


def answer(block: str = "", finish: str = "STOP", text: str = "{}"):
    feedback = SimpleNamespace(block_reason=SimpleNamespace(value=block)) if block else None
    candidate = SimpleNamespace(finish_reason=SimpleNamespace(value=finish) if finish else None)
    return without_text(
        SimpleNamespace(prompt_feedback=feedback), candidate, text=text, thought=False
    )


@pytest.mark.parametrize("finish", ["STOP", "", "FINISH_REASON_UNSPECIFIED"])
def test_an_answer_is_one(finish: str) -> None:
    assert answer(finish=finish) is None


@pytest.mark.parametrize(
    ("given", "reason", "final"),
    [
        ({"block": "PROHIBITED_CONTENT"}, "blocked", True),
        ({"finish": "SAFETY"}, "blocked", True),
        ({"finish": "SPII", "text": '{"label": "a p'}, "blocked", True),
        ({"finish": "RECITATION"}, "blocked", True),
        ({"finish": "IMAGE_SAFETY"}, "blocked", True),
        ({"finish": "OTHER"}, "no answer", False),
        ({"block": "OTHER"}, "no answer", False),
        ({"finish": "MALFORMED_FUNCTION_CALL"}, "no answer", False),
        ({"finish": "SOMETHING_NEW"}, "no answer", False),
        ({"finish": "MAX_TOKENS"}, "answer cut short", True),
        ({"finish": "CONTINUATION"}, "answer cut short", True),
        ({"text": " \n"}, "empty answer", False),
    ],
)
def test_and_what_is_none_says_so(given: dict, reason: str, final: bool) -> None:
    told = answer(**given)
    assert told.reason == reason
    assert told.final is final
    assert told.counts


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"candidates": None, "detail": "Monthly quota exceeded"}, "the day's quota is used up"),
        ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "no credit"),
        ({"errors": [{"message": "slow", "code": 429}]}, "too many questions"),
        ({"message": "OK"}, "answer not understood"),
    ],
)
def test_an_error_under_any_name_is_that_error(body: object, reason: str) -> None:
    refusals = Refusals(Gemini(), "https://g", "")
    told = of_another_kind(body, refusals, "")
    assert told is not None
    assert told.reason == reason


def test_an_answer_is_not_searched_for_errors() -> None:
    body = {"candidates": [{"content": {}}], "message": "quota"}
    assert of_another_kind(body, Refusals(Gemini(), "https://g", ""), "") is None
