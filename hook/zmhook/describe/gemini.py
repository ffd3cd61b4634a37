"""Google's Gemini, through `google-genai`.

https://ai.google.dev/api/generate-content. The library's own retries stay off: they do not heed
what the server says about when to ask again. Its answers' continuation is off, too: it asks
without end as long as the server says so.
"""

from __future__ import annotations

import math
import threading
import warnings
from typing import TYPE_CHECKING, Any

from zmhook.describe.gemini_errors import of_another_kind, refused, without_text
from zmhook.describe.network import MAX_BODY, Patience, explain, silence
from zmhook.describe.refusals import Refusals
from zmhook.describe.schema import SCHEMA
from zmhook.describe.steps import Steps
from zmhook.describe.unanswered import Unanswered
from zmhook.net.authorities import use_system_store
from zmhook.net.error_body import parsed
from zmhook.net.timeout import TooLongError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.settings import Gemini

LEAST_SERVER_TIMEOUT = 10
"""Seconds; Google refuses a smaller X-Server-Timeout ("Minimum allowed deadline is 10s")."""
GOOGLE = "generativelanguage.googleapis.com"


class GeminiBackend:
    """One model of Google's. Safe for use by several threads."""

    def __init__(self, gemini: Gemini, key: str) -> None:
        self.model = gemini.gemini_model
        self.place = gemini.gemini_url or GOOGLE
        self._key = key
        self._settings = gemini
        self._refusals = Refusals(gemini, self.place, key)
        self._patience = Patience()
        self._heard = _Heard()
        self._steps = Steps(("schema", "json", "plain"))
        self._lock = threading.Lock()
        self._client: Any = None

    def ask(self, picture: bytes, question: str, deadline: Deadline) -> str:
        """Return the text of the answer about a JPEG; raises `Unanswered`."""
        if not self._key:
            text = "no key: set [gemini] gemini_key, or GEMINI_API_KEY in the environment"
            raise Unanswered("no key", text)
        return self._steps.climb(lambda form: self._ask(picture, question, form, deadline))

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, picture: bytes, question: str, form: str, deadline: Deadline) -> str:
        seconds = min(deadline.left(), self._settings.gemini_timeout)
        try:
            answer, body = self._patience.within(
                seconds, lambda: self._generate(picture, question, form, seconds)
            )
        except Unanswered:
            raise
        except Exception as error:  # noqa: BLE001 - three libraries' errors, told apart in there
            failed = self._failed(error, seconds)
        else:
            return self._text(answer, body)
        raise failed  # outside, so that nothing of the library's hangs on to it

    def _failed(self, error: Exception, seconds: float) -> Exception:
        if isinstance(error, ImportError):
            what = f"the Python package google-genai cannot be used ({error}): "
            return Unanswered("not installed", f"{what}pip install 'zmhook[gemini]'")
        if isinstance(getattr(error, "code", None), int):
            return refused(error, self._refusals, self._key)
        return explain(error, self.place, seconds)

    def _generate(
        self, picture: bytes, question: str, form: str, seconds: float
    ) -> tuple[Any, bytes]:
        """Return what the library makes of an answer, and the answer's bytes."""
        from google.genai import types

        part = types.Part.from_bytes(data=picture, mime_type="image/jpeg")
        config = types.GenerateContentConfig(**self._config(form, seconds, types))
        self._heard.body = bytearray()
        try:
            answer = self._opened().models.generate_content(
                model=self.model, contents=[part, question], config=config
            )
        except ValueError:  # what the library makes nothing of; its errors show all of it
            failed = self._misfit(bytes(self._heard.body))
            if failed is None:
                raise
        else:
            return answer, bytes(self._heard.body)
        raise failed

    def _misfit(self, body: bytes) -> Unanswered | None:
        """Say what a body is that the library makes nothing of; None when there is none."""
        said = body.decode("utf-8", "replace")
        if not said:
            return None
        found = parsed(body)
        error = of_another_kind(found, self._refusals, self._key) if found is not None else None
        return error or self._refusals.not_understood(said, self._key)

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

        silence()
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
            raise TooLongError
        kinds = type(response.stream).__mro__
        base = next(kind for kind in kinds if kind.__name__ == "SyncByteStream")
        limited = type("Limited", (_Limited, base), {})
        response.stream = limited(response.stream, self._heard.body)


class _Heard(threading.local):
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
                raise TooLongError
            yield part

    def close(self) -> None:
        self._stream.close()
