"""A server that answers as Ollama, llama.cpp and vLLM do."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zmhook.deadline import Deadline
from zmhook.describe.description import DescriptionError
from zmhook.describe.openai_compatible import OpenAiBackend
from zmhook.describe.prompts import SCHEMA
from zmhook.describe.refusals import midnight
from zmhook.net.error_body import error_of_body
from zmhook.net.http import HttpResponse
from zmhook.net.http_problem import HttpProblem
from zmhook.settings.section import Secret

PICTURE = b"\xff\xd8\xff\xe0 \xfb\xff\xbe a JPEG"


@pytest.fixture
def backend(settings, fake_gemini) -> Callable[..., OpenAiBackend]:
    def make(**own) -> OpenAiBackend:
        given = {"gemini_url": fake_gemini.openai_url, "gemini_model": "llava", **own}
        gemini = settings(**given).gemini
        return OpenAiBackend(gemini, gemini.gemini_key.reveal())

    return make


def ask(backend: OpenAiBackend, seconds: float = 5.0) -> str:
    try:
        return backend.ask(PICTURE, "What is it?", Deadline(seconds))
    finally:
        backend.close()


def failed(backend: OpenAiBackend, seconds: float = 5.0) -> DescriptionError:
    with pytest.raises(DescriptionError) as refused:
        ask(backend, seconds)
    cause = refused.value.__context__  # nothing of the library's, which could hold the key
    assert cause is None or (isinstance(cause, HttpProblem) and cause.__context__ is None)
    return refused.value


def response(body: bytes) -> HttpResponse:
    return HttpResponse("http://here", 200, body, {})


def test_what_is_sent(backend, fake_gemini, key: str) -> None:
    assert json.loads(ask(backend()))["label"] == "delivery van"

    (asked,) = fake_gemini.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {key}"
    assert asked.body["model"] == "llava"
    assert asked.body["stream"] is False
    (message,) = asked.body["messages"]
    image, text = message["content"]
    encoded = base64.b64encode(PICTURE).decode()
    assert image["image_url"]["url"] == f"data:image/jpeg;base64,{encoded}"
    assert text == {"type": "text", "text": "What is it?"}
    form = asked.body["response_format"]
    assert form["json_schema"] == {"name": "description", "strict": True, "schema": SCHEMA}
    assert not {"temperature", "top_p", "max_tokens"} & set(asked.body)


def test_without_a_key_no_password_of_a_file_is_sent(
    backend, fake_gemini, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    ask(backend(gemini_key=Secret()))
    assert "authorization" not in fake_gemini.asked[0].headers


def test_without_an_address(backend) -> None:
    told = failed(backend(gemini_url=""))
    assert told.short == "gemini skipped: no address"


@pytest.mark.parametrize(
    ("answer", "reason", "counts"),
    [
        ("blocked-prompt", "blocked", True),
        ("blocked-answer", "blocked", True),
        ("max-tokens", "answer cut short", True),
        ("empty", "empty answer", True),
        ("nothing", "answer not understood", False),
        ("thoughts", "only thoughts, no answer", True),
        ("hiccup", "no answer", False),
        ("200-429", "too many requests", False),
        ("200-402", "no credit", False),
        ("200-404", "wrong address", False),
        ("402", "no credit", False),
        ("404-route", "wrong address", False),
        ("plates", "answer not understood", False),
        ("429-minute", "too many requests", False),
        ("429-day", "the day's quota is used up", False),
        ("429-header", "too many requests", False),
        ("429-bare", "too many requests", False),
        ("400", "refused", False),
        ("401", "the key is refused", False),
        ("404", "no such model", False),
        ("500", "no answer", False),
        ("502-html", "no answer", False),
        ("html", "answer not understood", False),
        ("garbage", "answer not understood", False),
        ("list", "answer not understood", False),
        ("huge", "answer not understood", False),
        ("gzip", "answer not understood", False),
        ("redirect", "no answer", False),
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
    assert len(fake_gemini.asked) == 1


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_our_deadline_ends_the_wait(backend, fake_gemini, way: str) -> None:
    fake_gemini.will(way)
    deadline = Deadline(20.0)
    assert failed(backend(gemini_timeout=60.0), 0.3).reason == "no answer in time"
    assert deadline.left() > 10


def test_nobody_there(backend) -> None:
    assert failed(backend(gemini_url="http://127.0.0.1:1/v1")).reason == "no connection"


def test_a_host_that_has_no_name(backend, no_dns) -> None:
    assert failed(backend(gemini_url="http://no-such-host.invalid/v1")).reason == "no network"


@pytest.mark.parametrize(
    ("answer", "forms"),
    [
        ("refuse-schema", ["json_schema", "json_object", "json_object"]),
        ("refuse-json", ["json_schema", "json_object", None, None]),
    ],
)
def test_a_form_that_is_refused_is_not_asked_for_again(
    backend, fake_gemini, answer: str, forms: list
) -> None:
    fake_gemini.will(answer)
    one = backend()
    assert json.loads(ask(one)) == json.loads(ask(one))
    sent = [asked.body.get("response_format", {}).get("type") for asked in fake_gemini.asked]
    assert sent == forms


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "no llava", "type": "api_error"}}, "no llava"),  # Ollama, llama.cpp
        ({"object": "error", "message": "no llava", "code": 400}, "no llava"),  # vLLM
        ({"error": "no llava"}, "no llava"),
        ({"detail": "no llava"}, "no llava"),  # FastAPI
        ({"detail": [{"msg": "no llava"}]}, "no llava"),
        ({"error": {"type": "not_found"}}, "not_found"),
        ([], "[]"),
    ],
)
def test_each_servers_way_to_say_no(body: object, said: str) -> None:
    assert said in error_of_body(400, json.dumps(body).encode()).message


def reply(message: object, finish: str | None = "stop", **more: object) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "c", "choices": [choice], **more}).encode()


@pytest.mark.parametrize(
    ("body", "reason", "waits"),
    [
        ({"error": {"message": "requires more credits", "code": 402}}, "no credit", 3600),
        ({"error": {"message": "slow down", "code": 429}}, "too many requests", 30),
        (
            {"error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429}},
            "the day's quota is used up",
            None,
        ),
        ({"choices": [{"error": {"code": 502, "message": "x"}, "message": {}}]}, "no answer", 1),
        ({"error": "Unexpected endpoint or method. (POST /chat)"}, "wrong address", 0),
        ({"error": "License expired", "status_code": 403}, "the key is refused", 0),
        (
            {
                "choices": None,
                "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"},
            },
            "no credit",
            3600,
        ),
        (
            {"error_code": 18, "error_msg": "Open api qps request limit reached"},
            "too many requests",
            30,
        ),
        (
            {"errors": [{"message": "Too many requests, retry after 40 seconds", "code": 429}]},
            "too many requests",
            40,
        ),
        (
            {"detail": "Rate limit exceeded. Try again in 40 seconds"},
            "too many requests",
            40,
        ),
        ({"detail": [{"msg": "Retry in 45,5 s, too many calls"}]}, "too many requests", 45.5),
        ({"message": "Quota resets in 00:12:30"}, "too many requests", 750),
        ({"msg": "invalid key", "code": 7}, "the key is refused", 0),
        (
            {"Response": {"Error": {"Code": "RequestLimitExceeded", "Message": "too fast"}}},
            "too many requests",
            30,
        ),
        ({"error": {"code": "1113", "message": "\u4f59\u989d\u4e0d\u8db3"}}, "no credit", 3600),
        ({"code": 50603, "message": "System is really busy.", "data": None}, "no answer", 1),
        ({"errors": ["it is broken"]}, "no answer", 1),
        (
            {"choices": [{"message": {"content": "", "error": {"code": 429, "message": "x"}}}]},
            "too many requests",
            30,
        ),
    ],
)
def test_an_error_within_status_200_is_that_error(
    backend, body: object, reason: str, waits: float | None
) -> None:
    with pytest.raises(DescriptionError) as refused:
        backend().text_of(response(json.dumps(body).encode()))
    assert refused.value.reason == reason
    assert ("gemini_url" in str(refused.value)) is (reason == "wrong address")
    assert not refused.value.counts
    if waits is None:
        assert refused.value.until == midnight()
    else:
        expected = time.time() + waits if waits else 0
        assert refused.value.until == pytest.approx(expected, abs=5)


@pytest.mark.parametrize(
    "message",
    [
        {"content": "", "reasoning": 'The van … {"label": "van", "alarm": "no"}'},
        {"content": None, "reasoning_content": "A van."},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "{}"}]}]},
        {"content": [{"type": "reasoning", "text": '{"label": "van", "alarm": "no"}'}]},
    ],
)
def test_thoughts_beside_nothing_are_told_of(backend, message: dict) -> None:
    with pytest.raises(DescriptionError, match="the model thought and gave no answer") as told:
        backend().text_of(response(reply(message)))
    assert told.value.counts
    assert not told.value.final


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("length", "answer cut short"),
        ("model_length", "answer cut short"),
        ("content_filter", "blocked"),
        ("SAFETY", "blocked"),
        ("error", "no answer"),
    ],
)
def test_how_it_ended(backend, finish: str, reason: str) -> None:
    with pytest.raises(DescriptionError) as told:
        backend().text_of(response(reply({"content": "{}"}, finish)))
    assert told.value.reason == reason


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{}", "{}"),
        ([{"type": "text", "text": "{"}, {"type": "text", "text": "}"}], "{}"),
        ([{"type": "image"}, "x", None, {"text": 1}], ""),
        ([{"type": "thinking", "text": "{"}, {"type": "output_text", "text": "}"}], "}"),
        (None, ""),
        (7, ""),
    ],
)
def test_a_message_may_come_in_parts(backend, content: object, text: str) -> None:
    sent = response(reply({"content": content}))
    if text:
        assert backend().text_of(sent) == text
    else:
        with pytest.raises(DescriptionError):
            backend().text_of(sent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b'{"choices": null}',
        b'{"choices": [null]}',
        b'{"choices": [{"message": "x"}]}',
        b"[" * 100_000,
        b'{"success": true, "predictions": []}',
        b'{"success": true, "predictions": [], "message": "FaceBox DLA232", "code": 200}',
        b'{"message": {"role": "assistant", "content": "{}"}, "done": true}',
        b'{"message": "OK"}',
        b'{"results": [], "note": "\xff\x1b[2J AIza-our-very-secret-key"}',
    ],
)
def test_what_is_not_openais(backend, key: str, body: bytes) -> None:
    with pytest.raises(DescriptionError, match="answers something else") as told:
        backend().text_of(response(body))
    assert told.value.short == "gemini skipped: answer not understood"
    assert str(told.value).isprintable()
    assert key not in str(told.value)
