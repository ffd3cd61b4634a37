"""Whatever speaks OpenAI's API: Ollama, llama.cpp's server, vLLM, and services in the cloud.

`POST <gemini_url>/chat/completions` with the picture as a data URL, as
https://platform.openai.com/docs/api-reference/chat has it. Servers differ in which form of answer
they can be held to, so a stricter one that is refused is not asked for again.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from zmhook.describe.description import (
    DescriptionError,
    FormFallback,
    nothing_said,
    quoted,
    without_response,
)
from zmhook.describe.prompts import SCHEMA
from zmhook.describe.refusals import Refusals, retry_delay
from zmhook.net.error_body import complaint_in, error_in, error_of_body, parsed
from zmhook.net.http import OK, HttpClient, HttpResponse, bearer
from zmhook.net.http_problem import HttpProblem
from zmhook.net.retry import wait_of_header
from zmhook.net.urls import shown
from zmhook.text.bounded_json import mappings

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.settings import Gemini

MAX_BODY = 1 << 20
"""Bytes of a response, which is a few sentences."""
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
        self.address = shown(gemini.gemini_url)
        self._url = f"{gemini.gemini_url}/chat/completions" if gemini.gemini_url else ""
        self._key = key
        self._refusals = Refusals(gemini, self.address, key)
        self._timeout = gemini.gemini_timeout
        self._client = HttpClient(limit=MAX_BODY, keep=False)
        self._forms = FormFallback(tuple(_FORMS))

    def ask(self, picture: bytes, question: str, deadline: Deadline) -> str:
        """Return the text of the answer about a JPEG; raises `DescriptionError`."""
        if not self._url:
            text = "no address: set [gemini] gemini_url, such as http://127.0.0.1:11434/v1"
            raise DescriptionError("no address", text)
        return self._forms.first_accepted(lambda form: self._ask(picture, question, form, deadline))

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _ask(self, picture: bytes, question: str, form: str, deadline: Deadline) -> str:
        seconds = min(deadline.left(), self._timeout)
        body = self._body(picture, question, form)
        try:
            response = self._client.request(
                "POST", self._url, seconds, auth=bearer(self._key), json=body
            )
        except HttpProblem as problem:
            raise without_response(problem) from None
        if response.status != OK:
            error = error_of_body(response.status, response.body)
            raise self._refusals.of(error, _delay(response, response.json()))
        return self.text_of(response)

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

    def text_of(self, response: HttpResponse) -> str:
        """Return the text of a response of status 200, or raise the error that it is."""
        answer = parsed(response.body)
        error = error_in(answer)
        if error is not None:
            raise self._refusals.of(error, wait_of_header(response.retry_after))
        choices = answer.get("choices") if isinstance(answer, dict) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            error = complaint_in(answer)
            if error is not None:
                raise self._refusals.of(error, _delay(response, answer))
            text = response.body.decode("utf-8", "replace")
            raise self._refusals.not_understood(text, self._key)
        return _text_of(choice, message)


def _delay(response: HttpResponse, content: Any) -> float | None:
    delay = retry_delay(content)
    return wait_of_header(response.retry_after) if delay is None else delay


def _text_of(choice: dict[str, Any], message: dict[str, Any]) -> str:
    """Return a message's text; raises `DescriptionError` where that is no answer."""
    refusal, finish = message.get("refusal"), str(choice.get("finish_reason") or "")
    if refusal or _BLOCKED.search(finish):
        text = f"the answer is blocked ({quoted(refusal or finish)})"
        raise DescriptionError("blocked", text, counts=True, final=True)
    if finish in _CUT_SHORT:
        text = f"the answer is cut short ({finish})"
        raise DescriptionError("answer cut short", text, counts=True, final=True)
    text = _content(message.get("content"))
    if not text.strip():
        content = message.get("content")
        thought = any(message.get(name) for name in _THOUGHTS) or isinstance(content, list)
        raise nothing_said(thought=thought)
    return text


def _content(content: Any) -> str:
    """Return a message's text, which may come in parts."""
    if isinstance(content, list):
        parts = (part for part in mappings(content) if part.get("type") in _TEXTS)
        texts = (part.get("text") for part in parts)
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""
