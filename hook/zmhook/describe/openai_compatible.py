"""Whatever speaks OpenAI's API: Ollama, llama.cpp's server, vLLM, and services in the cloud.

`POST <gemini_url>/chat/completions` with the picture as a data URL, as
https://platform.openai.com/docs/api-reference/chat has it. Servers differ in which form of answer
they can be held to, so a stricter one that is refused is not asked for again.
"""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING, Any

from zmhook.describe.gemini_errors import hints, nothing_said
from zmhook.describe.network import MAX_BODY, LateError, Patience, explain, silence
from zmhook.describe.refusals import Refusals, retry_after
from zmhook.describe.schema import SCHEMA
from zmhook.describe.steps import Steps
from zmhook.describe.unanswered import Unanswered, quoted
from zmhook.net.authorities import use_system_store
from zmhook.net.error_body import complaint_in, error_in, parsed, told
from zmhook.net.timeout import TooLongError
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from zmhook.deadline import Deadline
    from zmhook.settings import Gemini

_CHUNK = 16_384
_OK = 200
_CUT_SHORT = frozenset({"length", "model_length", "max_tokens"})
_BLOCKED = re.compile(r"content_filter|safety|recitation|prohibited|sensitive", re.IGNORECASE)
_THOUGHTS = ("reasoning", "reasoning_content", "reasoning_details", "thinking", "thoughts")
_TEXTS = frozenset({None, "text", "output_text"})
"""Types of a message's parts that are the answer; others are thoughts, pictures, calls."""
_FORMS: dict[str, dict[str, Any] | None] = {
    "schema": {
        "type": "json_schema",
        "json_schema": {"name": "description", "strict": True, "schema": SCHEMA},
    },
    "json": {"type": "json_object"},
    "plain": None,
}


class OpenAiBackend:
    """One model of a server. Safe for use by several threads."""

    def __init__(self, gemini: Gemini, key: str) -> None:
        self.model = gemini.gemini_model
        self.place = shown(gemini.gemini_url)
        self._url = f"{gemini.gemini_url}/chat/completions" if gemini.gemini_url else ""
        self._key = key
        self._refusals = Refusals(gemini, self.place, key)
        self._timeout = gemini.gemini_timeout
        self._patience = Patience()
        self._steps = Steps(tuple(_FORMS))

    def ask(self, picture: bytes, question: str, deadline: Deadline) -> str:
        """Return the text of the answer about a JPEG; raises `Unanswered`."""
        if not self._url:
            text = "no address: set [gemini] gemini_url, such as http://127.0.0.1:11434/v1"
            raise Unanswered("no address", text)
        return self._steps.climb(lambda form: self._ask(picture, question, form, deadline))

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _ask(self, picture: bytes, question: str, form: str, deadline: Deadline) -> str:
        seconds = min(deadline.left(), self._timeout)
        body = self._body(picture, question, form)
        try:
            status, data, retry = self._patience.within(seconds, lambda: self._post(body, seconds))
        except Unanswered:
            raise
        except ImportError as error:
            what = f"the Python package requests cannot be used ({error})"
            failed = Unanswered("not installed", f"{what}: pip install 'zmhook[gemini]'")
        except Exception as error:  # noqa: BLE001 - three libraries' errors, told apart in there
            failed = explain(error, self.place, seconds)
        else:
            if status != _OK:
                delay = hints(parsed(data))
                raise self._refusals.of(
                    told(status, data), retry_after(retry) if delay is None else delay
                )
            return self._text(data, retry)
        raise failed  # outside, so that nothing of the library's hangs on to it

    def _body(self, picture: bytes, question: str, form: str) -> dict[str, Any]:
        image = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
        content = [
            {"type": "image_url", "image_url": {"url": image}},
            {"type": "text", "text": question},
        ]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "stream": False,
        }
        if (response_format := _FORMS[form]) is not None:
            body["response_format"] = response_format
        return body

    def _post(self, body: dict[str, Any], seconds: float) -> tuple[int, bytes, str]:
        """Return the status, the body and what the server says about asking again."""
        import requests

        silence()
        use_system_store()
        with requests.post(
            self._url,
            json=body,
            # Without auth, requests would look for a password in ~/.netrc.
            auth=_bearer(self._key),
            headers={"Accept-Encoding": "identity"},
            timeout=seconds,
            allow_redirects=False,
            stream=True,
        ) as answer:
            data = _within_limit(answer, time.monotonic() + seconds)
            return answer.status_code, data, answer.headers.get("Retry-After", "").strip()

    def _text(self, data: bytes, retry: str = "") -> str:
        """Return the text of an answer of status 200, or raise the error that it is."""
        answer = parsed(data)
        error = error_in(answer)
        if error is not None:
            raise self._refusals.of(error, retry_after(retry))
        choices = answer.get("choices") if isinstance(answer, dict) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            error = complaint_in(answer)
            if error is not None:
                delay = hints(answer)
                raise self._refusals.of(error, retry_after(retry) if delay is None else delay)
            raise self._refusals.not_understood(data.decode("utf-8", "replace"), self._key)
        return _said(choice, message)


def _bearer(key: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    return sign


def _within_limit(answer: requests.Response, end: float) -> bytes:
    """Read a body that is neither too long nor, byte by byte, without end."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise TooLongError
    data = bytearray()  # for bytes, each part would be a copy of all before
    for part in answer.iter_content(_CHUNK):
        data += part
        if len(data) > MAX_BODY:
            raise TooLongError
        if time.monotonic() > end:
            raise LateError
    return bytes(data)


def _said(choice: dict[str, Any], message: dict[str, Any]) -> str:
    """Return a message's text; raises `Unanswered` where that is no answer."""
    refusal, finish = message.get("refusal"), str(choice.get("finish_reason") or "")
    if refusal or _BLOCKED.search(finish):
        text = f"the answer is blocked ({quoted(refusal or finish)})"
        raise Unanswered("blocked", text, counts=True, final=True)
    if finish in _CUT_SHORT:
        text = f"the answer is cut short ({finish})"
        raise Unanswered("answer cut short", text, counts=True, final=True)
    text = _content(message.get("content"))
    if not text.strip():
        content = message.get("content")
        thought = any(message.get(name) for name in _THOUGHTS) or isinstance(content, list)
        raise nothing_said(thought=thought)
    return text


def _content(content: Any) -> str:
    """Return a message's text, which may come in parts."""
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        texts = [part.get("text") for part in parts if part.get("type") in _TEXTS]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""
