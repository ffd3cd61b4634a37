"""Find the error in a response: its status, its message, and its whole text.

Forms: `{"error": {"code": 429, "message": …}}` (OpenAI, Google, OpenRouter, Ollama, llama.cpp,
Groq, Azure), the same in a list (Google for OpenAI's clients), `{"error": "…"}` (LM Studio,
Ollama), `{"object": "error", "message": …}` (vLLM, Mistral), `{"detail": …}` (FastAPI),
`{"message": …}` (gateways), `{"success": false, "error": …}` (CodeProject.AI, DeepStack), plain
text and HTML. With status 200, too: OpenRouter does so once a model has begun to answer, also as
`choices[0].error`, and LM Studio at an address that is wrong. Others have names of their own:
`{"base_resp": {"status_msg": …}}` (MiniMax), `{"error_code": 18, "error_msg": …}` (Baidu),
`{"errors": [{"message": …}]}`, `{"Response": {"Error": {"Message": …}}}` (Tencent); they are found
by `complaint_in`, once it is known that what was asked for is not there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 16_384
"""Characters of an error that are looked at."""
_LEAST, _MOST = 400, 599
_CODES = (
    "code",
    "status_code",
    "statusCode",
    "error_code",
    "errorCode",
    "status",
    "http_status",
    "raw_status_code",
)
_OK = 200
_SUCCEEDED = ("ok", "success", "succeeded", "done", "completed")
_FAILED = ("error", "fail", "failed", "failure")
_TOO_MANY = (
    r"rate[ _-]?limit|resource_exhausted|too[ _]many|quota|throttl|\bqps\b|"
    r"too (?:fast|frequent)|(?:requests?|calls?|usage|concurrency|frequency)[ _]?limit|"
    r"limit[ _](?:is |was |has been )?(?:reached|hit)|限流|频率|频繁"
)
_NO_KEY = (
    r"unauthenticated|unauthorized|authentication|api[ _-]?key|access[ _]?key|密钥|"
    r"(?:invalid|wrong|unknown|missing|expired) (?:access |auth )?(?:key|token)\b|"
    r"\b(?:key|token) (?:is |has )?(?:invalid|expired|not valid|missing|disabled)"
)
_WORDS: tuple[tuple[int, str], ...] = (
    (402, r"insufficient[ _]|payment|\bcredits?\b|\bbalance\b|in arrears|余额"),
    (429, _TOO_MANY),
    (401, _NO_KEY),
    (403, r"permission_denied|forbidden"),
    (404, r"not_found|unexpected endpoint|unknown_url|unknown request url|invalid url"),
    (503, r"unavailable|overloaded|internal|server_error|time[d]?[ _]?out|temporar"),
    (400, r"invalid_argument|invalid_request|bad_request"),
)
_ERRORS = frozenset({"error", "errors", "errormsg", "errmsg", "errormessage", "errordescription"})
_REMARKS = frozenset(
    {"detail", "details", "message", "msg", "statusmsg", "statusmessage", "reason", "faultstring"}
)
"""Names, without `_` and capitals, of what is an error, and of what may be another remark."""
_HARMLESS = re.compile(
    r"\W*(?:ok(?:ay)?|(?:request |image |was )?"
    r"(?:success\w*|processed|done|complete\w*|finished|fine)(?: success\w*)?|none|null|"
    r"(?:found )?(?:no|0|zero|nothing)(?: (?:licen[cs]e|number|registration|car))?"
    r"(?: (?:plates?|results?|vehicles?|cars?|detections?|objects?|match(?:es)?))?"
    r"(?: (?:was|were|is|could be|found|detected|recogni[sz]ed|read|in|on|the|this|image|picture|"
    r"frame|photo))*)\W*",
    re.IGNORECASE,
)
_DEEPEST, _MOST_OF_LIST = 4, 5
_MEANINGS = tuple((status, re.compile(words, re.IGNORECASE)) for status, words in _WORDS)


class ErrorBody(NamedTuple):
    """An error in a service's words: `status` is 0 where nothing says it, `text` is all of it."""

    status: int
    message: str
    text: str


def error_of_body(status: int, data: bytes) -> ErrorBody:
    """Return what the body of a refusal says."""
    text = data[:LONGEST].decode("utf-8", "replace")
    return ErrorBody(status, _message(parsed(data)) or text, text)


def error_of_payload(status: int, payload: Any, message: str = "") -> ErrorBody:
    """Return what a refusal says that was parsed already."""
    text = payload if isinstance(payload, str) else json.dumps(payload, default=str)
    return ErrorBody(status, _message(payload) or message or text[:LONGEST], text[:LONGEST])


def error_in(answer: Any) -> ErrorBody | None:
    """Return the error that stands in an answer of status 200; None when there is none."""
    error = _error_of(answer)
    if error is None:
        return None
    inner = error_of_payload(0, error)
    outer = json.dumps(answer, default=str)[:LONGEST]
    return ErrorBody(
        _status(error) or _status_in_words(f"{inner.message} {inner.text}"), inner.message, outer
    )


def complaint_in(answer: Any) -> ErrorBody | None:
    """Return the error of an answer in which what was asked for is not; None when it names none.

    Any text counts that stands under a name for errors or remarks, however deep, unless it is
    harmless (`OK`, `No plates found`). Of an answer that calls itself a success only texts count
    that mean an error by their words.
    """
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    text = json.dumps(answer, default=str)[:LONGEST]
    for message, status in _complaints(answer, _DEEPEST):
        meant = status or _status_in_words(message)
        if meant or not _is_success(answer):
            return ErrorBody(meant or _status(answer), message[:LONGEST], text)
    return None


def parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _error_of(answer: Any) -> Any:
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        return None
    error = answer.get("error")
    if error and not (isinstance(error, dict) and not any(error.values())):
        return error if isinstance(error, dict) else answer
    if answer.get("object") == "error" or _has_failed(answer) or _status(answer):
        return answer
    return _error_of_choice(answer.get("choices"))


def _complaints(content: dict[str, Any], deepest: int) -> Iterator[tuple[str, int]]:
    """Give texts of errors, and the status that stands beside each (0: none)."""
    for name, value in content.items():
        plain = name.lower().replace("_", "").replace("-", "")
        is_named = plain in _ERRORS or plain in _REMARKS
        for item in value[:_MOST_OF_LIST] if is_named and isinstance(value, list) else [value]:
            if isinstance(item, str) and is_named and item.strip():
                if not _HARMLESS.fullmatch(item[:LONGEST]):
                    yield item, _status(content)
            elif isinstance(item, dict) and deepest:
                inner = list(_complaints(item, deepest - 1))
                yield from ((text, status or _status(content)) for text, status in inner)
                if not inner and plain in _ERRORS and any(item.values()):
                    yield json.dumps(item, default=str), _status(item)


def _is_success(answer: dict[str, Any]) -> bool:
    status = answer.get("status")
    fine = isinstance(status, str) and status.lower() in _SUCCEEDED
    return fine or answer.get("success") is True or _OK in (status, answer.get("code"))


def _has_failed(answer: dict[str, Any]) -> bool:
    status = answer.get("status")
    failed = isinstance(status, str) and status.lower() in _FAILED
    return failed or answer.get("success") is False or answer.get("ok") is False


def _error_of_choice(choices: Any) -> Any:
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return None
    message = choice.get("message")
    for part in (choice, message if isinstance(message, dict) else {}):
        if part.get("error"):
            return part["error"]
    if choice.get("finish_reason") == "error":
        return {"code": 502, "message": "its answer ends with an error"}
    return None


def _status(error: Any) -> int:
    """Return the HTTP status that an error names, 0 when it names none."""
    named = [error.get(name) for name in _CODES] if isinstance(error, dict) else []
    for item in named:
        text = str(item) if isinstance(item, int | str) and not isinstance(item, bool) else ""
        if text.isascii() and text.isdigit() and len(text) < len("10000"):
            number = int(text)
            if _LEAST <= number <= _MOST:
                return number
    return 0


def _status_in_words(text: str) -> int:
    return next((status for status, words in _MEANINGS if words.search(text)), 0)


def _message(payload: Any) -> str:
    """Return the words for people; nothing when there are none."""
    if isinstance(payload, list) and payload:
        payload = payload[0]
    content = payload
    for _ in range(3):  # errors in errors
        if not isinstance(content, dict):
            break
        content = next(
            (
                content[name]
                for name in ("error", "message", "detail", "msg", "type")
                if content.get(name)
            ),
            "",
        )
    return (
        content
        if isinstance(content, str)
        else (json.dumps(content, default=str) if content else "")
    )
