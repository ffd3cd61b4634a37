from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from zmhook.describe import refusals
from zmhook.describe.description import DescriptionError, FormRefused
from zmhook.describe.refusals import Refusals, advice, midnight, too_many
from zmhook.net.error_body import ErrorBody, error_in, error_of_body
from zmhook.settings import Gemini

PLACE, MODEL = "http://127.0.0.1:1", "llava"
OURS = Gemini(gemini_backend="openai", gemini_url=PLACE, gemini_model=MODEL)
LONG = "You exceeded your current quota, please check your plan and billing details. " * 5


def refusal(status: int, said: str) -> DescriptionError:
    return Refusals(OURS, PLACE, "").of(ErrorBody(status, said, said))


def answered(status: int, body: object) -> DescriptionError:
    data = body if isinstance(body, str) else json.dumps(body)
    return Refusals(OURS, PLACE, "").of(error_of_body(status, data.encode()))


def utc(*moment: int) -> float:
    return datetime(*moment, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ((2026, 11, 21, 12), (2026, 11, 22, 8)),  # winter: UTC-8
        ((2026, 11, 22, 7, 59, 59), (2026, 11, 22, 8)),
        ((2026, 11, 22, 8), (2026, 11, 23, 8)),
        ((2026, 7, 1, 0), (2026, 7, 1, 7)),  # summer: UTC-7
        ((2026, 3, 8, 9), (2026, 3, 9, 7)),  # the day that has 23 hours
        ((2026, 11, 1, 8), (2026, 11, 2, 8)),  # the day that has 25
    ],
)
def test_the_day_ends_at_midnight_in_california(now: tuple, end: tuple) -> None:
    assert midnight(utc(*now)) == utc(*end)


def test_without_time_zones_it_is_an_hour_late_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.ZoneInfo", lambda _: ZoneInfo("No/Such"))
    assert midnight(utc(2026, 7, 1, 0)) == utc(2026, 7, 1, 8)


@pytest.mark.parametrize(
    ("quotas", "said", "daily"),
    [
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "Quota exceeded", True),
        ("PerMinutePerProject GenerateRequestsPerDay", "Quota exceeded", True),
        ("", "Rate limit reached for requests per day (RPD)", True),
        ("GenerateRequestsPerMinutePerProjectPerModel", "Quota exceeded", False),
        ("", "Too many requests", False),
    ],
)
def test_a_days_limit_is_told_from_a_minutes(quotas: str, said: str, daily: bool) -> None:
    """A day's comes with a delay of seconds, too, after which nothing is better."""
    error = too_many(said, quotas, 12.0)
    if daily:
        assert error.until == midnight()
        assert error.reason == "the day's quota is used up"
    else:
        assert error.until == pytest.approx(time.time() + 12, abs=5)
        assert error.reason == "too many requests"
    assert not error.counts


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Please retry in 29.5s.", 29.5),
        ("Please try again in 1.2s", 1.2),
        ("Try again in 7 seconds", 7),
        ("Too many", 30),
    ],
)
def test_the_wait_may_be_in_the_words_only(said: str, seconds: float) -> None:
    assert too_many(said).until == pytest.approx(time.time() + seconds, abs=3)


def test_no_wait_is_longer_than_a_day() -> None:
    assert too_many("", delay=1e9).until <= time.time() + 86_400


@pytest.mark.parametrize(
    ("status", "said", "short", "again"),
    [
        (302, "", "no answer", False),
        (400, "Unable to process input image.", "refused", False),
        (401, "bad", "the key is refused", False),
        (403, "bad", "the key is refused", False),
        (404, "no llava", "no such model", False),
        (408, "late", "no answer", True),
        (413, "too large", "refused", False),
        (500, "oh", "no answer", True),
        (503, "overloaded", "no answer", True),
    ],
)
def test_other_statuses(status: int, said: str, short: str, again: bool) -> None:
    error = refusal(status, said)
    assert error.reason == short
    assert bool(error.until) is again
    assert not error.counts
    if again:
        assert error.until <= time.time() + refusals.TRANSIENT_DELAY


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_form_that_is_refused(status: int) -> None:
    error = refusal(status, "json_schema is not supported")
    assert isinstance(error, FormRefused)


def test_it_is_said_until_when() -> None:
    soon = time.localtime(time.time() + timedelta(seconds=12).total_seconds())
    assert time.strftime("%H:", soon) in str(too_many("Slow down.", delay=12.0))


GOOGLES_DAY = f"{LONG}Quota exceeded for metric: GenerateRequestsPerDayPerProject, limit: 20, model"
GOOGLES_MINUTE = f"{LONG}Quota exceeded for metric: generate_requests, limit: 15, model: x"
GROQS_DAY = "Rate limit reached on tokens per day (TPD): Limit 100000. Try again in 9m38.016s."


@pytest.mark.parametrize(
    ("message", "short", "seconds"),
    [
        (f"{GOOGLES_MINUTE}\nPlease retry in 45.5s.", "too many requests", 45.5),
        (f"{GOOGLES_DAY}\nPlease retry in 45.5s.", "the day's quota is used up", None),
        (GROQS_DAY, "the day's quota is used up", 578),
        (
            f"{LONG} limit: 0, model: x\nPlease retry in 45.5s.",
            "the limit is 0 for this model",
            45.5,
        ),
        ("Please retry after 86400 seconds.", "too many requests", 86_400),  # Azure
        ("Rate limit reached. Please try again in 120ms.", "too many requests", 0.12),  # OpenAI
        ("Requests rate limit exceeded", "too many requests", 30),  # Mistral
    ],
)
def test_the_reason_and_the_wait_are_sought_in_all_of_it(
    message: str, short: str, seconds: float | None
) -> None:
    refused = answered(429, {"error": {"code": 429, "message": message}})
    assert refused.reason == short
    if seconds is None:
        assert refused.until == midnight()
    else:
        assert refused.until == pytest.approx(time.time() + seconds, abs=5)


def test_a_limit_of_nothing_is_called_so() -> None:
    detail = {"violations": [{"quotaId": "GenerateRequestsPerDay", "quotaValue": "0"}]}
    body = {"error": {"code": 429, "message": "Quota", "details": [detail]}}
    refused = answered(429, body)
    assert refused.until == midnight()
    assert "the limit is 0 for this model (llava)" in str(refused)
    assert "limit is 0" not in str(answered(429, {"error": {"message": "x, limit: 0.5, y"}}))
    assert "limit is 0" not in str(answered(429, {"error": {"message": "x, limit: 05"}}))


@pytest.mark.parametrize("factor", [1, 1000])
def test_when_limits_are_reset_may_be_told_too(factor: int) -> None:
    reset = int(time.time()) + 3000
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Reset": str(reset * factor)}
    error = {
        "message": "Rate limit exceeded: free-models-per-day",
        "code": 429,
        "metadata": {"headers": headers},
    }
    assert answered(429, {"error": error}).until == pytest.approx(reset, abs=1)
    headers["X-RateLimit-Reset"] = "1999999999000"
    assert answered(429, {"error": error}).until == midnight()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (402, {"error": {"message": "Insufficient credits. Add more to continue.", "code": 402}}),
        (402, "Payment Required"),
        (429, {"error": {"message": "You exceeded it", "code": "insufficient_quota"}}),
        (403, {"error": {"message": "Key limit exceeded (total limit)", "code": 403}}),
        (400, {"error": {"message": "Your credit balance is too low to access the API"}}),
        (402, {"error": {"message": "Insufficient Balance"}}),
        (429, {"error": {"message": "Your prepayment credits are depleted.", "code": 429}}),
    ],
)
def test_without_credit_nobody_is_asked_for_an_hour(status: int, body: object) -> None:
    refused = answered(status, body)
    assert refused.reason == "no credit"
    assert refused.until == pytest.approx(time.time() + 3600, abs=30)
    assert not refused.counts


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"message": "model 'llava' not found", "type": "api_error"}}),  # Ollama
        (404, {"object": "error", "message": "The model `llava` does not exist.", "code": 404}),
        (404, {"error": {"code": "model_not_found", "message": "The model does not exist"}}),
        (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for not"}}),
        (404, {"error": {"message": "No endpoints found for llava.", "code": 404}}),  # OpenRouter
        (400, {"error": {"message": "llava is not a valid model ID", "code": 400}}),
        (400, {"object": "error", "message": "Invalid model: llava", "type": "invalid_model"}),
        (404, {"error": {"message": "models/llava is not found for API version v1beta"}}),
    ],
)
def test_a_model_that_is_not_there(status: int, body: object) -> None:
    refused = answered(status, body)
    assert refused.reason == "no such model"
    assert "[gemini] gemini_model = llava" in str(refused)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "404 page not found\n"),  # Ollama
        (404, {"error": {"message": "File Not FaceBox", "type": "not_found_error", "code": 404}}),
        (404, {"detail": "Not FaceBox"}),  # vLLM, FastAPI
        (404, {"error": {"message": "Invalid URL (POST /chat/completions)"}}),  # OpenAI
        (404, {"error": {"message": "Unknown request URL: POST /x.", "code": "unknown_url"}}),
        (404, {"message": "no Route matched with those values"}),  # Mistral
        (404, {"error": {"code": "404", "message": "Resource not found"}}),  # Azure
        (404, "<!DOCTYPE html><title>404</title> models, models"),
        (404, "<html>The requested URL /v1/models/llava was not found on this server.</html>"),
        (405, {"detail": "Method Not Allowed"}),
        (404, ""),
    ],
)
def test_an_address_that_is_wrong(status: int, body: object) -> None:
    refused = answered(status, body)
    assert refused.reason == "wrong address"
    assert f"[gemini] gemini_url = {PLACE}" in str(refused)
    assert "end it with /v1" in str(refused)
    assert "gemini_model" not in str(refused)


@pytest.mark.parametrize(
    ("backend", "url", "words"),
    [
        ("openai", "http://h:1", "end it with /v1"),
        ("openai", "http://h:1/v1", "check it"),
        ("openai", "http://h:1/v1/chat/completions", "take /chat/completions off its end"),
        ("openai", "http://h:1/chat/completions", "off its end, and end it with /v1"),
        ("openai", "http://h:1/api/chat", "take /api/chat off its end, and end it with /v1"),
        ("openai", "https://g/v1beta/openai", "check it"),
        ("gemini", "https://h/v1beta", "take /v1beta off its end"),
        ("gemini", "https://h", "check it"),
        ("gemini", "", "gemini_model and gemini_api_version"),
    ],
)
def test_what_to_do_about_it(backend: str, url: str, words: str) -> None:
    assert words in advice(Gemini(gemini_backend=backend, gemini_url=url))


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "content_filter", "message": "triggering Azure OpenAI's content"}},
        {"error": {"message": "requires moderation", "metadata": {"reasons": ["violence"]}}},
    ],
)
@pytest.mark.parametrize("status", [400, 403])
def test_what_is_filtered_is_blocked(status: int, body: object) -> None:
    refused = answered(status, body)
    assert (refused.reason, refused.final) == ("blocked", True)


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        ({"error": {"code": 402, "message": "more credits"}}, 402, "more credits"),
        ([{"error": {"code": 429, "message": "slow"}}], 429, "slow"),
        ({"error": "Unexpected endpoint or method. (POST /x)"}, 404, "Unexpected endpoint"),
        ({"object": "error", "message": "no", "code": 400}, 400, "no"),
        (
            {"object": "error", "message": "slow", "raw_status_code": 429, "code": "1300"},
            429,
            "slow",
        ),
        ({"error": "License expired", "status_code": 403}, 403, "License expired"),
        ({"error": {"type": "overloaded_error", "message": "busy"}}, 503, "busy"),
        ({"error": {"code": "rate_limit_exceeded", "message": "slow"}}, 429, "slow"),
        ({"choices": [{"error": {"code": 502, "message": "ill"}, "message": {}}]}, 502, "ill"),
        ({"choices": [{"finish_reason": "error", "message": {"content": "{"}}]}, 502, "an error"),
        ({"success": False, "error": "boom"}, 0, "boom"),
        ({"detail": "x", "status": 500}, 500, "x"),
    ],
)
def test_an_error_within_an_answer(answer: object, status: int, message: str) -> None:
    found = error_in(answer)
    assert found is not None
    assert found.status == status
    assert message in found.message


@pytest.mark.parametrize(
    "answer",
    [
        None,
        7,
        [],
        {},
        {"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}], "error": None},
        {"choices": [{"message": {}}], "error": {"code": 0, "message": ""}},
        {"status": "ok", "code": 200, "choices": []},
        {"status": True},
        {"code": 10**400},
    ],
)
def test_and_what_is_none(answer: object) -> None:
    assert error_in(answer) is None


@pytest.mark.parametrize(
    ("message", "is_one"),
    [
        ("Unknown name \"responseJsonSchema\" at 'generation_config': Cannot find field.", True),
        ('Unknown name "responseMimeType"', True),
        ("response_format.type must be one of 'json_object', 'text'", True),
        ("json_schema is not supported by this model", True),
        ("JSON mode is not enabled for this model", True),
        ("failed to parse grammar", True),
        ("'response_format.type' : value is not one of the allowed values", True),
        ('Invalid JSON payload received. Unknown name "store": Cannot find field.', False),
        ("Unable to process input image.", False),
        ("API key not valid", False),
        ("model 'llava' not found", False),
    ],
)
def test_what_is_about_the_form(message: str, is_one: bool) -> None:
    assert isinstance(refusal(400, message), FormRefused) is is_one
