"""The real google-genai client with a server that speaks Google's wire format."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from zmhook.deadline import Deadline
from zmhook.describe.description import DescriptionError
from zmhook.describe.gemini import GeminiBackend, of_another_kind, refused, without_text
from zmhook.describe.prompts import SCHEMA
from zmhook.describe.refusals import Refusals, midnight, retry_delay
from zmhook.settings import Gemini

PICTURE = b"\xff\xd8\xff\xe0 \xfb\xff\xbe a JPEG"


@pytest.fixture
def backend(settings, fake_gemini, key: str) -> Iterator[Callable[..., GeminiBackend]]:
    made: list[GeminiBackend] = []

    def make(**own) -> GeminiBackend:
        gemini = settings(**{"gemini_url": fake_gemini.url, **own}).gemini
        made.append(GeminiBackend(gemini, gemini.gemini_key.reveal()))
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.close()


def ask(backend: GeminiBackend, seconds: float = 5.0) -> str:
    return backend.ask(PICTURE, "What is it?", Deadline(seconds))


def failed(backend: GeminiBackend, seconds: float = 5.0) -> DescriptionError:
    with pytest.raises(DescriptionError) as told:
        ask(backend, seconds)
    assert told.value.__context__ is None  # nothing of the library's, which could hold the key
    return told.value


def test_what_is_sent(backend, fake_gemini, key: str) -> None:
    assert json.loads(ask(backend()))["label"] == "delivery van"

    (asked,) = fake_gemini.asked
    assert asked.path.endswith("/models/gemini-3.5-flash-lite:generateContent")
    assert (asked.picture, asked.question) == (PICTURE, "What is it?")
    assert asked.headers["x-goog-api-key"] == key
    assert key not in asked.path
    assert asked.body["store"] is False
    config = asked.body["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert not {"temperature", "topP", "thinkingConfig"} & set(config)


@pytest.mark.parametrize(
    ("timeout", "deadline", "header"),
    [(2.0, 5.0, "10"), (60.0, 30.5, "31"), (40.0, 100.0, "40"), (600.0, 3.0, "10")],
)
def test_the_server_is_never_given_less_than_it_takes(
    backend, fake_gemini, timeout: float, deadline: float, header: str
) -> None:
    ask(backend(gemini_timeout=timeout), deadline)
    assert fake_gemini.asked[0].headers["x-server-timeout"] == header


def test_version_model_address_and_store_are_settings(backend, fake_gemini) -> None:
    own = {"gemini_api_version": "v1beta", "gemini_model": "gemini-9", "gemini_store": True}
    ask(backend(gemini_url=f"{fake_gemini.url}/proxy", **own))
    (asked,) = fake_gemini.asked
    assert asked.path == "/proxy/v1beta/models/gemini-9:generateContent"
    assert asked.body["store"] is True


def test_google_cloud_of_the_environment_is_not_meant(
    backend, fake_gemini, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-another")
    ask(backend())
    assert fake_gemini.asked[0].headers["x-goog-api-key"] == key


def test_without_a_key_nobody_is_asked(backend, fake_gemini) -> None:
    from zmhook.settings.section import Secret

    told = failed(backend(gemini_key=Secret()))
    assert told.short == "gemini skipped: no key"
    assert not fake_gemini.asked


def test_without_the_package(backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.genai", None)
    told = failed(backend())
    assert told.short == "gemini skipped: not installed"
    assert "./install.sh --yes --with gemini" in str(told)


@pytest.mark.parametrize(
    ("answer", "reason", "counts"),
    [
        ("blocked-prompt", "blocked", True),
        ("blocked-answer", "blocked", True),
        ("max-tokens", "answer cut short", True),
        ("empty", "empty answer", True),
        ("nothing", "empty answer", True),
        ("thoughts", "only thoughts, no answer", True),
        ("hiccup", "no answer", True),
        ("200-429", "too many requests", False),
        ("200-402", "no credit", False),
        ("200-404", "wrong address", False),
        ("402", "no credit", False),
        ("404-route", "wrong address", False),
        ("plates", "answer not understood", False),
        ("list", "answer not understood", False),
        ("429-minute", "too many requests", False),
        ("429-day", "the day's quota is used up", False),
        ("429-header", "too many requests", False),
        ("400", "refused", False),
        ("400-key", "the key is refused", False),
        ("403", "the key is refused", False),
        ("404", "no such model", False),
        ("500", "no answer", False),
        ("503", "no answer", False),
        ("502-html", "no answer", False),
        ("html", "answer not understood", False),
        ("garbage", "answer not understood", False),
        ("huge", "answer not understood", False),
        ("gzip", "answer not understood", False),
        ("redirect", "no answer", False),
        ("refuse-store", "refused", False),
        ("cut", "no answer", False),
        ("no-http", "no answer", False),
    ],
)
def test_what_is_no_answer_says_why(
    backend, fake_gemini, key: str, answer: str, reason: str, counts: bool
) -> None:
    fake_gemini.will(answer)
    told = failed(backend())
    assert (told.reason, told.counts) == (reason, counts)
    assert key not in str(told)
    assert "\n" not in str(told)
    assert len(fake_gemini.asked) == 1  # no retries of the library's, no redirect followed


@pytest.mark.parametrize(
    ("answer", "quotation"), [("html", "<title>Log in"), ("plates", '"predictions": []')]
)
def test_what_is_not_understood_is_quoted(
    backend, fake_gemini, answer: str, quotation: str
) -> None:
    fake_gemini.will(answer)
    assert quotation in str(failed(backend()))


def test_a_models_hiccup_is_not_kept(backend, fake_gemini) -> None:
    fake_gemini.will("hiccup", "ok")
    one = backend()
    told = failed(one)
    assert (told.final, told.until) == (False, 0.0)
    assert json.loads(ask(one))["label"] == "delivery van"


def test_an_answer_that_goes_on_without_end_is_asked_for_once(backend, fake_gemini) -> None:
    fake_gemini.will("continuation")
    assert failed(backend()).reason == "answer cut short"
    assert len(fake_gemini.asked) == 1


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_our_deadline_ends_the_wait(backend, fake_gemini, way: str) -> None:
    fake_gemini.will(way)
    deadline = Deadline(20.0)
    assert failed(backend(gemini_timeout=60.0), 0.3).reason == "no answer in time"
    assert deadline.left() > 10  # neither the server's 10 s nor gemini_timeout


def test_nobody_there(backend) -> None:
    told = failed(backend(gemini_url="http://127.0.0.1:1"))
    assert told.reason == "no connection"
    assert "is the port right?" in str(told)


def test_a_host_that_has_no_name(backend, no_dns) -> None:
    assert failed(backend(gemini_url="http://no-such-host.invalid")).reason == "no network"


def test_a_server_that_takes_no_schema(backend, fake_gemini) -> None:
    fake_gemini.will("refuse-schema")
    one = backend()
    assert json.loads(ask(one))["label"] == json.loads(ask(one))["label"] == "delivery van"
    forms = [set(asked.body.get("generationConfig", {})) for asked in fake_gemini.asked]
    json_only = {"responseMimeType"}
    assert forms == [{"responseMimeType", "responseJsonSchema"}, json_only, json_only]


def test_a_server_that_takes_no_json_either(backend, fake_gemini) -> None:
    fake_gemini.will("refuse-json")
    assert json.loads(ask(backend()))
    assert fake_gemini.asked[-1].body.get("generationConfig", {}) == {}


def test_nothing_of_the_key_can_be_seen(backend, key: str, caplog, capfd) -> None:
    one = backend()
    with caplog.at_level("DEBUG"):
        ask(one)
    out, err = capfd.readouterr()
    for text in (repr(one), str(vars(one)["_settings"]), caplog.text, out, err):
        assert key not in text


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
    assert retry_delay(payload) == delay


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


def finished(block: str = "", finish: str = "STOP", text: str = "{}"):
    feedback = SimpleNamespace(block_reason=SimpleNamespace(value=block)) if block else None
    candidate = SimpleNamespace(finish_reason=SimpleNamespace(value=finish) if finish else None)
    return without_text(
        SimpleNamespace(prompt_feedback=feedback), candidate, text=text, thought=False
    )


@pytest.mark.parametrize("finish", ["STOP", "", "FINISH_REASON_UNSPECIFIED"])
def test_an_answer_is_one(finish: str) -> None:
    assert finished(finish=finish) is None


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
    told = finished(**given)
    assert told.reason == reason
    assert told.final is final
    assert told.counts


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"candidates": None, "detail": "Monthly quota exceeded"}, "the day's quota is used up"),
        ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, "no credit"),
        ({"errors": [{"message": "slow", "code": 429}]}, "too many requests"),
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
