"""Google's Gemini, through `google-genai`.

https://ai.google.dev/api/generate-content. Errors: google.rpc.Status with RetryInfo, QuotaFailure
and ErrorInfo (google/rpc/error_details.proto of github.com/googleapis/googleapis). A prompt that is
blocked, and an answer that is, come with status 200.

The library's own retries stay off: they ignore what the server says about when to ask again. So
does its continuation of answers: it asks without end as long as the server says so.
"""

from __future__ import annotations

import json
import math
import re
import threading
import warnings
from typing import TYPE_CHECKING, Any

from zmhook.describe.description import (
    DescriptionError,
    FormFallback,
    nothing_said,
    quoted,
    unreachable,
)
from zmhook.describe.prompts import SCHEMA
from zmhook.describe.refusals import Refusals, error_details, key_refused, retry_delay
from zmhook.errors import to_install
from zmhook.net.error_body import complaint_in, error_in, error_of_payload, parsed
from zmhook.net.http import silence_libraries
from zmhook.net.http_problem import Compressed, TooLarge
from zmhook.net.retry import wait_of_header
from zmhook.process.environment import use_system_store
from zmhook.process.limits import TimedCalls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.settings import Gemini

LEAST_SERVER_TIMEOUT = 10
"""Seconds; Google refuses a smaller X-Server-Timeout ("Minimum allowed deadline is 10s")."""
MAX_BODY = 1 << 20
"""Bytes of a response, which is a few sentences."""
GOOGLE = "generativelanguage.googleapis.com"


_FINE = ("STOP", "FINISH_REASON_UNSPECIFIED", "")
_CUT_SHORT = ("MAX_TOKENS", "CONTINUATION")
_BLOCKED = re.compile(r"SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII|JAILBREAK|MODEL_ARMOR")
"""Reasons for which the same is refused again; others, such as OTHER, are a model's hiccups."""
_KNOWN = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})


class GeminiBackend:
    """One model of Google's. Safe for use by several threads."""

    def __init__(self, gemini: Gemini, key: str) -> None:
        self.model = gemini.gemini_model
        self.address = gemini.gemini_url or GOOGLE
        self._key = key
        self._settings = gemini
        self._refusals = Refusals(gemini, self.address, key)
        self._calls = TimedCalls()
        self._received = _ReceivedBody()
        self._forms = FormFallback(("schema", "json", "plain"))
        self._lock = threading.Lock()
        self._client: Any = None

    def ask(self, picture: bytes, question: str, deadline: Deadline) -> str:
        """Return the text of the answer about a JPEG; raises `DescriptionError`."""
        if not self._key:
            text = "no key: set [gemini] gemini_key, or GEMINI_API_KEY in the environment"
            raise DescriptionError("no key", text)
        return self._forms.first_accepted(lambda form: self._ask(picture, question, form, deadline))

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, picture: bytes, question: str, form: str, deadline: Deadline) -> str:
        seconds = min(deadline.left(), self._settings.gemini_timeout)
        try:
            answer, body = self._calls.run(
                lambda: self._generate(picture, question, form, seconds), seconds
            )
        except DescriptionError:
            raise
        except Exception as error:  # noqa: BLE001 - three libraries' errors, told apart in there
            failed = self._failed(error, seconds)
        else:
            return self._text(answer, body)
        raise failed  # outside, so that nothing of the library's hangs on to it

    def _failed(self, error: Exception, seconds: float) -> Exception:
        if isinstance(error, ImportError):
            what = f"the Python package google-genai cannot be used ({error}): "
            return DescriptionError("not installed", what + to_install("gemini"))
        if isinstance(getattr(error, "code", None), int):
            return refused(error, self._refusals, self._key)
        url = self.address if "://" in self.address else f"https://{self.address}"
        return unreachable(error, url, seconds)

    def _generate(
        self, picture: bytes, question: str, form: str, seconds: float
    ) -> tuple[Any, bytes]:
        """Return what the library makes of an answer, and the answer's bytes."""
        from google.genai import types

        part = types.Part.from_bytes(data=picture, mime_type="image/jpeg")
        config = types.GenerateContentConfig(**self._config(form, seconds, types))
        self._received.body = bytearray()
        try:
            answer = self._opened().models.generate_content(
                model=self.model, contents=[part, question], config=config
            )
        except ValueError:  # what the library makes nothing of; its errors show all of it
            failed = self._misfit(bytes(self._received.body))
            if failed is None:
                raise
        else:
            return answer, bytes(self._received.body)
        raise failed

    def _misfit(self, body: bytes) -> DescriptionError | None:
        """Say what a body is that the library makes nothing of; None when there is none."""
        text = body.decode("utf-8", "replace")
        if not text:
            return None
        failure = parsed(body)
        error = of_another_kind(failure, self._refusals, self._key) if failure is not None else None
        return error or self._refusals.not_understood(text, self._key)

    def _config(self, form: str, seconds: float, types: Any) -> dict[str, Any]:
        """Return what goes with a question. The server is given its minimum, our wait may be less.

        `store` goes through the body: older versions of the library have no field for it.
        """
        server = max(LEAST_SERVER_TIMEOUT, math.ceil(seconds))
        config: dict[str, Any] = {
            "http_options": types.HttpOptions(
                timeout=max(1, int(seconds * 1000)),
                headers={"X-Server-Timeout": str(server)},
                extra_body={"store": self._settings.gemini_store},
            ),
            "automatic_function_calling": types.AutomaticFunctionCallingConfig(disable=True),
        }
        if "automatic_continuation" in types.GenerateContentConfig.model_fields:
            config["automatic_continuation"] = False
        if form != "plain":
            config["response_mime_type"] = "application/json"
        if form == "schema":
            config["response_json_schema"] = SCHEMA
        return config

    def _opened(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> Any:
        from google import genai
        from google.genai import types

        silence_libraries()
        use_system_store()
        # It warns on stderr of each enumeration's value that is newer than itself.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"google\.genai")
        options = types.HttpOptions(
            base_url=self._settings.gemini_url or None,
            api_version=self._settings.gemini_api_version or None,
            # Compressed, a small answer could be a huge one.
            headers={"Accept-Encoding": "identity"},
            client_args={"follow_redirects": False, "event_hooks": {"response": [self._limit]}},
        )
        # Neither the environment's project nor its service account is meant.
        return genai.Client(vertexai=False, api_key=self._key, http_options=options)

    def _text(self, answer: Any, body: bytes) -> str:
        problem = of_another_kind(parsed(body), self._refusals, self._key) if body else None
        if problem is not None:
            raise problem
        candidate = (answer.candidates or [None])[0]
        parts = (candidate.content.parts if candidate and candidate.content else None) or []
        text = "".join(part.text or "" for part in parts if not part.thought)
        problem = without_text(answer, candidate, text=text, thought=bool(parts) and not text)
        if problem is not None:
            raise problem
        return text

    def _limit(self, response: Any) -> None:
        """Have a body read up to a limit, and kept; the library would read it to its end."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Compressed
        kinds = type(response.stream).__mro__
        base = next(kind for kind in kinds if kind.__name__ == "SyncByteStream")
        limited = type("Limited", (_Limited, base), {})
        response.stream = limited(response.stream, self._received.body)


class _ReceivedBody(threading.local):
    """What was read in this thread, which asks one question at a time."""

    body = bytearray()


class _Limited:
    """A stream of bytes that ends with an error beyond `MAX_BODY`."""

    def __init__(self, stream: Any, body: bytearray) -> None:
        self._stream = stream
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._body += part
            if len(self._body) > MAX_BODY:
                raise TooLarge
            yield part

    def close(self) -> None:
        self._stream.close()


def refused(error: Any, refusals: Refusals, key: str) -> DescriptionError:
    """Turn the library's `APIError` into what it means for us."""
    payload = getattr(error, "details", None)
    message = str(getattr(error, "message", "") or "")
    failure = error_of_payload(error.code, payload, message)
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in error_details(payload)):
        return key_refused(quoted(failure.message, key))
    delay = retry_delay(payload)
    return refusals.of(failure, delay if delay is not None else wait_of_header(_header(error)))


def of_another_kind(body: Any, refusals: Refusals, key: str) -> DescriptionError | None:
    """Say what an answer of status 200 is that is none of Google's; None when it is one."""
    is_googles = isinstance(body, dict) and (not body or not _KNOWN.isdisjoint(body))
    if is_googles and (body.get("candidates") or body.get("promptFeedback")):
        return None
    error = error_in(body) or complaint_in(body)
    if error is not None:
        return refusals.of(error, retry_delay(body))
    if is_googles:
        return None
    return refusals.not_understood(json.dumps(body), key)


def without_text(
    answer: Any, candidate: Any, *, text: str, thought: bool
) -> DescriptionError | None:
    """Say why an answer of status 200 is none; None when it is one.

    `thought`: there is something in it that is not the answer.
    """
    feedback = answer.prompt_feedback
    blocked = _name(feedback.block_reason) if feedback else ""
    if blocked:
        return _refused("the picture or the question", blocked)
    finish = _name(candidate.finish_reason) if candidate else ""
    if finish in _CUT_SHORT:
        return _final("answer cut short", f"the answer is cut short ({finish})")
    if finish not in _FINE:
        return _refused("the answer", finish)
    if not text.strip():
        return nothing_said(thought=thought)
    return None


def _refused(what: str, why: str) -> DescriptionError:
    if _BLOCKED.search(why):
        return _final("blocked", f"{what} is blocked ({why})")
    return DescriptionError("no answer", f"the model ended without an answer ({why})", counts=True)


def _final(short: str, text: str) -> DescriptionError:
    return DescriptionError(short, text, counts=True, final=True)


def _name(value: Any) -> str:
    """Return an enumeration's value as its server spells it."""
    return quoted(getattr(value, "value", value) or "")


def _header(error: Any) -> str:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return str(headers.get("retry-after", ""))
