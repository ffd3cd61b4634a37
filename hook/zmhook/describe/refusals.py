"""What a service's refusal means: whether, and from when on, asking again may help.

The reason and the wait are sought in all that the service says, not only in what is shown of it.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zmhook.describe.description import DescriptionError, FormRefused, quoted
from zmhook.net.http_problem import through_proxy
from zmhook.net.retry import reset_of, wait_of
from zmhook.storage.quota import clock_time
from zmhook.text.bounded_json import mapping, mappings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.net.error_body import ErrorBody
    from zmhook.settings import Gemini

BAD_REQUEST, NOT_FOUND, NOT_ALLOWED, TIMEOUT, UNPROCESSABLE, TOO_MANY = 400, 404, 405, 408, 422, 429
NO_CREDIT = 402
SERVER_ERROR = 500
FORBIDDEN = (401, 403)
UNKNOWN_DELAY = 30.0
"""Seconds to wait after "too many" when nobody says how many."""
TRANSIENT_DELAY = 1.0
NO_CREDIT_DELAY = 3600.0
LONGEST_DELAY = 86_400.0
MEANT = 120.0
"""Seconds. A service says how long to wait for a day's quota, too: Google some seconds, which it
does not mean; Groq, whose days slide, minutes and more, which it does."""

_PER_DAY = re.compile(
    r"per[ _-]?day|\bdaily\b|\b(?:RPD|TPD)\b|(?:month|week)(?:ly)? (?:limit|quota)", re.IGNORECASE
)
_NO_CREDIT = re.compile(
    r"insufficient[ _](?:quota|credit|balance|fund)|credit balance|out of credits?|no credits?\b|"
    r"more credits|credits? (?:are |is )?(?:depleted|exhausted|used up)|key limit exceeded|"
    r"payment[ _]required|billing[ _](?:hard[ _]limit|not[ _]active)|"
    r"spend(?:ing)?[ _](?:cap|limit)",
    re.IGNORECASE,
)
_LIMIT_ZERO = re.compile(
    r"\blimit:\s{0,3}0(?![0-9.])|\\?\"quotaValue\\?\":\s{0,3}\\?\"0\\?\"", re.IGNORECASE
)
_BLOCKED = re.compile(
    r"content[_ ](?:filter|policy|management policy)|moderation|flagged|prohibited_content|"
    r"responsible[ _]?ai",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model[_ ]not[_ ]found|invalid[_ ]model|not a valid model|no endpoints found|"
    r"model\b.{0,80}(?:not exist|not found|not supported|not available|not loaded)|"
    r"deployment.{0,40}not|no models? (?:is |are )?loaded",
    re.IGNORECASE | re.DOTALL,
)
_NO_ADDRESS = re.compile(
    r"unexpected endpoint|unknown[_ ](?:request[_ ])?url|invalid url|requested url|no route|"
    r"cannot (?:post|get)\b|page not found|file not found|resource not found|not allowed|"
    r"^\s*<(?:!doctype|html)",
    re.IGNORECASE,
)
_ABOUT_FORM = re.compile(
    r"schema|response_?(format|mime|json)|json[ _]?(object|mode)|grammar|structured|guided",
    re.IGNORECASE,
)
_MAY_BE_FORM = (BAD_REQUEST, UNPROCESSABLE, SERVER_ERROR)
_ENDINGS = re.compile(
    r"(?:/chat/completions|/completions|/responses|/models|/api/(?:chat|generate|tags)|/embeddings)$"
)
_VERSIONED = re.compile(r"/v[0-9]+[a-z0-9]*$|/openai$")
_SECONDS = re.compile(r"([0-9]{1,9}(\.[0-9]{1,9})?)s")
_PACIFIC_WINTER = timezone(timedelta(hours=-8))


class Refusals:
    """What the refusals of one service mean."""

    def __init__(self, gemini: Gemini, address: str, key: str) -> None:
        self._gemini = gemini
        url = address if "://" in address else f"https://{address}"
        self._address = f"{address}{through_proxy(url)}"
        self._key = key

    def of(self, error: ErrorBody, delay: float | None = None) -> DescriptionError:
        """Turn an error of the service into what it means for the next requests.

        `delay` is how many seconds it wants to be left alone, where it says so for programs.
        """
        everything = f"{error.message} {error.text}"
        message = quoted(error.message, self._key)
        is_ours = error.status < SERVER_ERROR
        if error.status == NO_CREDIT or (is_ours and _NO_CREDIT.search(everything)):
            return no_credit(f"{self._address}: {message}")
        if error.status == TOO_MANY:
            return too_many(message, everything, delay, self._gemini.gemini_model)
        if is_ours and _BLOCKED.search(everything):
            text = f"the picture or the question is blocked: {message}"
            return DescriptionError("blocked", text, counts=True, final=True)
        return self._about_question(error, message) or self._other(
            error.status, everything, message, delay
        )

    def _about_question(self, error: ErrorBody, message: str) -> DescriptionError | None:
        """Say what of the question is wrong: its form, its key, its model or its address."""
        status = error.status
        if status in _MAY_BE_FORM and _ABOUT_FORM.search(message):
            return FormRefused("refused", f"{self._address} refuses the form of answer: {message}")
        if status in FORBIDDEN:
            return key_refused(message)
        names_no_model = status < SERVER_ERROR and _NO_MODEL.search(error.message)
        if status in (NOT_FOUND, NOT_ALLOWED) or names_no_model:
            return self._not_there(status, error, message)
        return None

    def not_understood(self, message: str, secret: str = "") -> DescriptionError:
        """Say that an answer is something else than what such a service answers."""
        text = f"{self._address} answers something else: '{quoted(message[:2000], secret)}'"
        return DescriptionError("answer not understood", f"{text}: is [gemini] gemini_url right?")

    def _not_there(self, status: int, error: ErrorBody, message: str) -> DescriptionError:
        """Tell a model that is not there from an address that is wrong."""
        model = self._gemini.gemini_model
        names_model = "model" in error.message.lower() or model in error.message
        if (
            status != NOT_ALLOWED
            and not _NO_ADDRESS.search(error.message)
            and (names_model or _NO_MODEL.search(error.message))
        ):
            text = f"[gemini] gemini_model = {model} at {self._address}: {message}"
            return DescriptionError("no such model", text)
        text = f"[gemini] gemini_url = {self._address}: nothing answers there ({message})"
        return DescriptionError("wrong address", f"{text}: {advice(self._gemini)}")

    def _other(
        self, status: int, everything: str, message: str, delay: float | None
    ) -> DescriptionError:
        short, text, until = "refused", f"{self._address} answers {status}: {message}", 0.0
        if status in (0, TIMEOUT, 425, 498) or status >= SERVER_ERROR:  # 498: Groq is full
            text = f"{self._address} answers {status or 'with an error'}: {message}"
            wait = delay if delay is not None else wait_of(everything)
            wait = TRANSIENT_DELAY if wait is None else min(wait, LONGEST_DELAY)
            short, until = "no answer", time.time() + wait
        elif status < BAD_REQUEST:
            short = "no answer"
            cause = "redirects are not followed ([gemini] gemini_url)"
            text = f"{self._address} answers {status}: {cause}"
        return DescriptionError(short, text, until=until)


def advice(gemini: Gemini) -> str:
    """Say what is to be done about an address at which there is nothing to ask."""
    path = urlsplit(gemini.gemini_url).path.rstrip("/")
    ending = _ENDINGS.search(path)
    if gemini.gemini_backend == "openai":
        if ending:
            left = path.removesuffix(ending[0])
            more = "" if _VERSIONED.search(left) else ", and end it with /v1"
            return f"take {ending[0]} off its end{more}"
        return "check it" if _VERSIONED.search(path) else "end it with /v1"
    if not gemini.gemini_url:
        return "check [gemini] gemini_model and gemini_api_version"
    version = _VERSIONED.search(path)
    return (
        f"take {version[0]} off its end (gemini_api_version is for that)" if version else "check it"
    )


def key_refused(message: str) -> DescriptionError:
    return DescriptionError("the key is refused", f"[gemini] gemini_key is refused: {message}")


def no_credit(message: str) -> DescriptionError:
    return _wait(
        "no credit", "there is no credit left; not asked", message, time.time() + NO_CREDIT_DELAY
    )


def too_many(
    message: str, everything: str = "", delay: float | None = None, model: str = ""
) -> DescriptionError:
    """Tell a minute's limit from a day's, and from one of 0, which no waiting changes."""
    text = f"{message} {everything}"
    short, what = "too many requests", "the quota is used up"
    until = _reset(text, delay)
    if _PER_DAY.search(text):
        short = what = "the day's quota is used up"
        until = _day_ends(text, delay)
    if _LIMIT_ZERO.search(text):
        short = "the limit is 0 for this model"
        what = (
            f"the limit is 0 for this model ({model}): this key's plan does not have it; not asked"
        )
    return _wait(short, what, message, until)


def _reset(text: str, delay: float | None) -> float:
    wait = delay if delay is not None else wait_of(text)
    if wait is None:
        return reset_of(text) or time.time() + UNKNOWN_DELAY
    return time.time() + min(wait, LONGEST_DELAY)


def _day_ends(text: str, delay: float | None) -> float:
    waits = [wait for wait in (delay, wait_of(text)) if wait is not None and wait >= MEANT]
    if waits:
        return time.time() + min(max(waits), LONGEST_DELAY)
    return reset_of(text) or midnight()


def _wait(short: str, what: str, message: str, until: float) -> DescriptionError:
    text = f"{what} until {clock_time(until)}: {message}"
    return DescriptionError(short, text, until=until)


def retry_delay(payload: Any) -> float | None:
    """Return the seconds of the RetryInfo of an error's body."""
    delays = (
        _SECONDS.fullmatch(str(detail.get("retryDelay", ""))) for detail in error_details(payload)
    )
    return next((float(detail[1]) for detail in delays if detail), None)


def midnight(now: float | None = None) -> float:
    """Return when the day ends in California, where Google's daily quotas are reset."""
    moment = datetime.fromtimestamp(time.time() if now is None else now, timezone.utc)
    local = moment.astimezone(_pacific())
    end = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) + timedelta(days=1)
    return end.timestamp()


def _pacific() -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo("America/Los_Angeles")
    except (ZoneInfoNotFoundError, OSError):  # a system without time zones: an hour late at most
        return _PACIFIC_WINTER


def error_details(payload: Any) -> Iterator[dict[str, Any]]:
    """Give the entries of `error.details`, in whatever the body really is."""
    for detail in mappings(payload if isinstance(payload, list) else [payload]):
        yield from mappings(mapping(detail.get("error", detail)).get("details"))
