"""Imitate Gemini, and Ollama, llama.cpp and vLLM, without a key and without cost.

By hand:

    python tools/fake_gemini.py --port 8787                  # then, with your own picture:
    zmhook describe -O gemini.gemini_url=http://127.0.0.1:8787 -O gemini.gemini_key=x car.jpg

`--answer` (repeatable, one for each request; the last one for all others) names an answer, from a
blocked prompt to a connection that hangs; `--list` shows all names. In tests `FakeGemini.running()`
is a context manager, whose value has the requests that arrived.
"""

from __future__ import annotations

import argparse
import base64
import json
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DESCRIPTION = {
    "label": "delivery van",
    "description": "A white delivery van stands at the kerb, its rear doors open.",
    "attributes": [{"name": "make", "value": "Ford"}, {"name": "colour", "value": "white"}],
    "confidence": 0.92,
    "alarm": "yes",
    "box_2d": [100, 200, 900, 800],
}
HANG = 30.0
"""Maximum number of seconds that an answer is delayed."""


class Asked(NamedTuple):
    """One request: `picture` is its JPEG."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    picture: bytes
    question: str


class Reply(NamedTuple):
    """A response: status, body, and additional headers."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class FakeGemini:
    """The server, on 127.0.0.1. `will(…)` sets its answers from now on."""

    def __init__(self, port: int = 0) -> None:
        self.asked: list[Asked] = []
        self.description: dict[str, Any] | str = DESCRIPTION
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._answers: deque[str] = deque(["ok"])
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @classmethod
    @contextmanager
    def running(cls, port: int = 0) -> Iterator[FakeGemini]:
        """Run the server while the context lasts."""
        fake = cls(port)
        fake._thread.start()
        try:
            yield fake
        finally:
            fake.stop()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def will(self, *answers: str) -> None:
        """Give these answers in turn, and repeat the last one."""
        unknown = set(answers) - set(ANSWERS) - set(WAYS)
        if unknown or not answers:
            raise ValueError(f"no such answer: {unknown or 'none at all'}")
        with self._lock:
            self._answers = deque(answers)

    def next(self, asked: Asked) -> str:
        with self._lock:
            self.asked.append(asked)
            return self._answers.popleft() if len(self._answers) > 1 else self._answers[0]


# -- the two wire formats --------------------------------------------------------------------------


def gemini(text: str, finish: str = "STOP") -> dict[str, Any]:
    parts = [{"text": text}] if text else []
    content = {"content": {"role": "model", **({"parts": parts} if parts else {})}}
    usage = {"promptTokenCount": 270, "candidatesTokenCount": 12, "totalTokenCount": 282}
    return {
        "candidates": [{**content, "finishReason": finish, "index": 0}],
        "usageMetadata": usage,
        "modelVersion": "gemini-3.5-flash-lite",
        "responseId": "r1",
    }


def openai(text: str | None, finish: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "llava",
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
        "usage": {"prompt_tokens": 270, "completion_tokens": 12, "total_tokens": 282},
    }


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    """Return an error in Google's format, which also has the fields for OpenAI clients."""
    found = {"code": code, "status": status, "message": message, "type": status.lower()}
    return {"error": {**found, **({"details": list(details)} if details else {})}}


def retry(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota(name: str) -> dict[str, Any]:
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": f"GenerateRequests{name}PerProjectPerModel-FreeTier",
        "quotaValue": "15",
    }
    kind = "type.googleapis.com/google.rpc.QuotaFailure"
    return {"@type": kind, "violations": [violation]}


def said(fake: FakeGemini) -> str:
    found = fake.description
    return found if isinstance(found, str) else json.dumps(found)


def _reply(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    return Reply(status, json.dumps(body).encode(), headers=headers)


def _text(change: Callable[[str], str]) -> Callable[[FakeGemini, Asked], Reply]:
    """Return an answer with a changed text of the description."""

    def answer(fake: FakeGemini, asked: Asked) -> Reply:
        text = change(said(fake))
        return _reply(200, openai(text) if _is_openai(asked) else gemini(text))

    return answer


def _either(gemini_body: Any, openai_body: Any) -> Callable[[FakeGemini, Asked], Reply]:
    return lambda _, asked: _reply(200, openai_body if _is_openai(asked) else gemini_body)


def _error(code: int, *args: Any, headers: tuple[tuple[str, str], ...] = ()) -> Any:
    return lambda _fake, _asked: _reply(code, error(code, *args), *headers)


def _is_openai(asked: Asked) -> bool:
    return asked.path.endswith("/chat/completions")


def _refuses(*fields: str) -> Callable[[FakeGemini, Asked], Reply]:
    """Refuse a request with one of these fields, such as `generationConfig.x` or at the top."""

    def answer(fake: FakeGemini, asked: Asked) -> Reply:
        config = {**asked.body, **asked.body.get("generationConfig", {})}
        form = config.get("response_format", {}).get("type", "")
        for field in fields:
            if field in config or field == form:
                text = f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.'
                return _reply(400, error(400, "INVALID_ARGUMENT", text))
        return ANSWERS["ok"](fake, asked)

    return answer


THOUGHT = {"thought": True, "text": json.dumps({**DESCRIPTION, "alarm": "no"})}
MESSAGE = "You exceeded your current quota, please check your plan and billing details."
OVERLOADED = "The model is overloaded. Please try again later."

ANSWERS: dict[str, Callable[[FakeGemini, Asked], Reply]] = {
    "ok": _text(lambda text: text),
    "fenced": _text(lambda text: f"```json\n{text}\n```"),
    "chatty": _text(lambda text: f"<think>A van?</think>Here it is: {text} Anything else?"),
    "mismatch": _text(lambda _: '{"title": "a van", "verdict": 1}'),
    "not-json": _text(lambda _: "I see a white van."),
    "cut-json": _text(lambda text: text[:-30]),
    "blocked-prompt": _either(
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
        openai(None, refusal="I cannot help with that."),
    ),
    "blocked-answer": _either(gemini("", "SAFETY"), openai("", "content_filter")),
    "max-tokens": _either(gemini('{"label": "v', "MAX_TOKENS"), openai('{"label": "v', "length")),
    "continuation": _either(gemini("{", "CONTINUATION"), openai("{", "length")),
    "empty": _either(gemini(""), openai("")),
    "hiccup": _either(
        {"candidates": [{"finishReason": "OTHER", "index": 0}], "modelVersion": "m"},
        openai("", "error"),
    ),
    "thoughts": _either(
        {**gemini(""), "candidates": [{"content": {"parts": [THOUGHT]}, "finishReason": "STOP"}]},
        openai("", reasoning=THOUGHT["text"]),
    ),
    "200-429": lambda *_: _reply(200, error(429, "RESOURCE_EXHAUSTED", "Slow.", retry("29s"))),
    "200-402": lambda *_: _reply(200, {"error": {"message": "more credits", "code": 402}}),
    "200-404": lambda *_: _reply(200, {"error": "Unexpected endpoint or method. (POST /x)"}),
    "402": lambda *_: _reply(402, {"error": {"message": "Insufficient credits.", "code": 402}}),
    "404-route": lambda *_: Reply(404, b"404 page not found\n", "text/plain"),
    "plates": lambda *_: _reply(200, {"success": True, "predictions": [], "code": 200}),
    "nothing": _either({}, {"choices": []}),
    "429-minute": _error(429, "RESOURCE_EXHAUSTED", MESSAGE, quota("PerMinute"), retry("29s")),
    "429-soon": _error(429, "RESOURCE_EXHAUSTED", "Slow down.", quota("PerMinute"), retry("0.2s")),
    "429-day": _error(429, "RESOURCE_EXHAUSTED", MESSAGE, quota("PerDay"), retry("12s")),
    "429-header": _error(429, "rate_limit", "Too many requests", headers=(("Retry-After", "7"),)),
    "429-bare": _error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted"),
    "400": _error(400, "INVALID_ARGUMENT", "Unable to process input image."),
    "400-key": _error(
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
    ),
    "401": _error(401, "UNAUTHENTICATED", "Incorrect API key provided"),
    "403": _error(403, "PERMISSION_DENIED", "The caller does not have permission"),
    "404": _error(404, "NOT_FOUND", "model 'x' not found"),
    "500": _error(500, "INTERNAL", "An internal error has occurred."),
    "503": _error(503, "UNAVAILABLE", OVERLOADED),
    "refuse-schema": _refuses("responseJsonSchema", "json_schema"),
    "refuse-json": _refuses("responseMimeType", "json_schema", "json_object"),
    "refuse-store": _refuses("store"),
    "html": lambda *_: Reply(200, b"<html><title>Log in</title></html>", "text/html"),
    "garbage": lambda *_: Reply(200, b"\x00\xff\xfe{]" * 40),
    "list": lambda *_: Reply(200, b"[1, 2]"),
    "502-html": lambda *_: Reply(502, b"<html><title>Bad Gateway</title></html>", "text/html"),
    "huge": lambda *_: Reply(200, b" " * (3 << 20)),
    "redirect": lambda *_: Reply(302, b"", headers=(("Location", "/elsewhere"),)),
    "gzip": lambda *_: Reply(200, b"\x1f\x8b", headers=(("Content-Encoding", "gzip"),)),
}
"""Answers by name."""

WAYS = ("hang", "drip", "cut", "no-http")
"""Faulty ways to answer: never, one byte now and then, half, not in HTTP."""


# -- the server ------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeGemini

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        try:
            self._answer()
        except OSError:
            self.close_connection = True  # the client has disconnected

    def _answer(self) -> None:
        fake, asked = self.server.fake, self._asked()
        name = fake.next(asked)
        if name in WAYS:
            self.close_connection = True
            getattr(self, f"_{name.replace('-', '_')}")(fake)
            return
        reply = ANSWERS[name](fake, asked)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        for header in reply.headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(reply.body)

    def _hang(self, fake: FakeGemini) -> None:
        fake.stopping.wait(HANG)

    def _drip(self, fake: FakeGemini) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        end = time.monotonic() + HANG
        while time.monotonic() < end and not fake.stopping.wait(0.05):
            self.wfile.write(b" ")

    def _cut(self, fake: FakeGemini) -> None:
        del fake
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"candidates": [')

    def _no_http(self, fake: FakeGemini) -> None:
        del fake
        self.wfile.write(b"220 mail.example.org ESMTP\r\n")

    def _asked(self) -> Asked:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(data)
        except ValueError:
            body = {}
        parts = [part for content in body.get("contents", []) for part in content["parts"]]
        for message in body.get("messages", []):
            parts += message["content"]
        headers = {name.lower(): value for name, value in self.headers.items()}
        picture = next((found for part in parts if (found := _picture(part))), b"")
        question = "\n".join(part["text"] for part in parts if "text" in part)
        return Asked(self.path, headers, body, picture, question)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        pass


def _picture(part: dict[str, Any]) -> bytes:
    """Return the picture of a part in either format; Gemini uses URL-safe base64."""
    if "inlineData" in part:
        return base64.urlsafe_b64decode(part["inlineData"]["data"])
    if "image_url" in part:
        return base64.b64decode(part["image_url"]["url"].partition(",")[2])
    return b""


def main() -> None:
    parser = argparse.ArgumentParser(description="A server that imitates Gemini.")
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--answer", action="append", metavar="NAME", help="an answer from --list")
    parser.add_argument("--list", action="store_true", help="list the names for --answer")
    args = parser.parse_args()
    if args.list:
        print("\n".join([*ANSWERS, *WAYS]))
        return
    with FakeGemini.running(args.port) as fake:
        fake.will(*(args.answer or ["ok"]))
        print(f"[gemini] gemini_url = {fake.url}  (for gemini_backend = openai: {fake.openai_url})")
        shown = 0
        while True:
            time.sleep(0.2)
            for asked in fake.asked[shown:]:
                shown += 1
                print(f"{asked.path}: {len(asked.picture)} bytes, {asked.question[:100]!r}")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
