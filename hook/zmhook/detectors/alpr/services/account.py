"""An account at a service that reads plates: its key, its quota, and the requests to it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.detectors.alpr.services.base import PlateServiceError
from zmhook.net.error_body import complaint_in, error_in
from zmhook.net.http import HttpClient, HttpResponse, authorization
from zmhook.net.http_problem import HttpFailure, HttpProblem, through_proxy
from zmhook.net.retry import wait_of, wait_of_header
from zmhook.printable import one_line
from zmhook.settings.section import flaw_of_key
from zmhook.storage.quota import MONTH, TABLES, Limit, Quota
from zmhook.storage.shared_database import FallbackDatabase
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20
"""Bytes of a response, which is some lines for each plate."""
LONGEST_WAIT = 5.0
"""Seconds to wait before a second attempt; a longer wait is left to another event."""
SHORTEST_WAIT = 1.0
LEAST_TIME = 0.5
"""With less time than this nothing is sent."""
MOST_PENDING = 4
"""Requests that were given up and have not ended; with more of them nothing is sent."""
_HOUR = 3600.0
_LONGEST_BODY = 16_384
"""Bytes of an error that are read."""
_LONGEST_QUOTE = 160
_OK = (200, 201)
_SERVER_ERROR = 500

# In few words, and what to do.
REFUSED_KEY = ("the key is refused", "[alpr] alpr_key is refused: copy it from your account there")
USED_UP = ("no look-ups left", "this month's look-ups are used up there: wait, or buy more")
TOO_MANY = ("too many requests", "it is asked too often for your plan")
TOO_LARGE = ("picture too large", "the picture is too large for it: lower [alpr] alpr_max_size")
NOT_THERE = ("no such service", "there is no such service at this address: check [alpr] alpr_url")
MEANINGS = {401: REFUSED_KEY, 402: USED_UP, 403: REFUSED_KEY, 404: NOT_THERE, 405: NOT_THERE}
MEANINGS |= {413: TOO_LARGE, 429: TOO_MANY}
"""What an HTTP status means."""
_WITHIN = frozenset({401, 402, 413, 429})
"""Errors that mean the same within a response of status 200; so do those of 500 and more."""
_OF_MONTH = re.compile(r"month|\bcredits?\b", re.IGNORECASE)
_OF_QUOTA = re.compile(r"credit|quota|limit", re.IGNORECASE)

_ADVICE = {
    HttpFailure.ADDRESS: "check [alpr] alpr_url",
    HttpFailure.NAME: "is there a network, and DNS?",
    HttpFailure.REFUSED: "does it run, and is the port right?",
    HttpFailure.TLS: "does that port speak https?",
    HttpFailure.TIMEOUT: "is it overloaded? ([alpr] alpr_timeout)",
}


FILE = "alpr.sqlite"
SCHEMA = (
    """
    CREATE TABLE asked (
        account TEXT, month TEXT, count INTEGER NOT NULL,
        told_left INTEGER, told_at REAL, PRIMARY KEY (account, month)
    );
    CREATE TABLE held (account TEXT PRIMARY KEY, until REAL NOT NULL, short TEXT, why TEXT);
    """,
    TABLES,
    """
    WITH RECURSIVE numbers (number) AS (
        SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 100000
    )
    INSERT INTO requests (account, at)
        SELECT account, strftime('%s', month || '-01') + 1.0 FROM asked JOIN numbers
        ON number <= count WHERE account IS NOT NULL AND month = strftime('%Y-%m', 'now');
    INSERT INTO holds SELECT account, until, coalesce(short, ''), coalesce(why, '') FROM held
        WHERE account IS NOT NULL;
    INSERT INTO reports SELECT account, max(told_left, 0), coalesce(told_at, 0.0) FROM asked
        WHERE account IS NOT NULL AND told_left IS NOT NULL AND month = strftime('%Y-%m', 'now');
    DROP TABLE asked;
    DROP TABLE held;
    """,
)
LONGEST_HOLD = 2 * 3600.0
FEW = 0.1
"""Share of the month's look-ups at which a warning is logged, once."""


class PlateRequest(NamedTuple):
    """A request, in the words of `requests`. `auth` is an Authorization header.

    `fits` says whether a JSON object is a result of it, and not another service's, or an error.
    """

    method: str
    url: str
    content: dict[str, Any]
    auth: str = ""
    fits: Callable[[dict[str, Any]], bool] = bool


class Account:
    """Sends requests with `alpr_key`, within `alpr_per_month` where that holds (`counted`).

    For one thread at a time. `meanings` are those of a status that differ from `MEANINGS`.
    """

    def __init__(
        self,
        settings: Settings,
        url: str,
        *,
        counted: bool = True,
        meanings: Mapping[int, tuple[str, str]] | None = None,
    ) -> None:
        alpr = settings.alpr
        self.key = alpr.alpr_key.reveal().strip()
        self._timeout = alpr.alpr_timeout
        self._meanings = {**MEANINGS, **(meanings or {})}
        self._client = HttpClient(limit=MAX_BODY, most_pending=MOST_PENDING)
        limit = alpr.alpr_per_month if counted else 0
        account = sha256(f"{url}\0{self.key}".encode()).hexdigest()[:16]
        path = Path(settings.general.base_data_path, "cache", FILE)
        self._database = FallbackDatabase(path, SCHEMA)
        self._most = limit
        self.quota = quota_of(self._database, account, limit)

    def needs_key(self) -> None:
        """Raise `PlateServiceError` where there is no key."""
        if not self.key:
            text = "[alpr] alpr_key is empty: set it to the key of your account"
            raise PlateServiceError("no key", text)

    def look_up(self, request: PlateRequest, deadline: Deadline) -> Any:
        """Return the JSON of a response that costs a look-up; raises `PlateServiceError`."""
        flaw = flaw_of_key(self.key)
        if flaw:
            text = f"[alpr] alpr_key: {flaw}, which no key has; nothing is asked: copy it again"
            raise PlateServiceError("the key cannot be right", text)
        number = self.quota.take()
        self._log_usage()
        try:
            return self.ask(request, deadline)
        except PlateServiceError as error:
            if not error.counts:
                self.quota.give_back(number)
            if error.until - time.time() > LONGEST_WAIT:
                self.quota.hold(error)
            raise

    def ask(self, request: PlateRequest, deadline: Deadline) -> Any:
        """Return the JSON of a response; raises `PlateServiceError`.

        A server that is overloaded or not there is asked once more, if there is time for that.
        """
        try:
            return self._attempt(request, deadline)
        except PlateServiceError as error:
            wait = max(SHORTEST_WAIT, error.until - time.time())
            if not error.retry or wait > LONGEST_WAIT or deadline.left() < wait + LEAST_TIME:
                raise
            log.debug("%s; asking again in %.1f s", error, wait)
            deadline.sleep(wait)
        return self._attempt(request, deadline)

    def usage(self) -> str:
        """Say how many requests were made this month, and how many are left."""
        (used,), remaining, *_ = self.quota.usage()
        text = f"{used} requests this month"
        return text if remaining is None else f"{text}, {remaining} left"

    def close(self) -> None:
        self._client.close()
        self._database.close()

    def _log_usage(self) -> None:
        few = round(self._most * FEW)
        is_few = self._most and self.quota.usage().remaining == few
        log.log(logging.WARNING if is_few else logging.INFO, "alpr: %s", self.usage())

    def _attempt(self, request: PlateRequest, deadline: Deadline) -> Any:
        seconds = min(self._timeout, deadline.left())
        if seconds < LEAST_TIME:
            raise PlateServiceError("no time left", "there was no time left to ask")
        started = time.perf_counter()
        try:
            response = self._client.request(
                request.method,
                request.url,
                seconds,
                auth=authorization(request.auth),
                **request.content,
            )
        except HttpProblem as problem:
            raise _unanswered(problem) from None
        milliseconds = (time.perf_counter() - started) * 1000
        log.debug("%s answered %d in %.0f ms", response.address, response.status, milliseconds)
        return self._result(request, response)

    def _result(self, request: PlateRequest, response: HttpResponse) -> Any:
        content = response.json()
        if response.status not in _OK:
            raise self._refused(response, response.status, content)
        if isinstance(content, dict) and request.fits(content):
            return content
        complaint = complaint_in(content)
        error = error_in(content) or complaint
        if error is not None and (error.status in _WITHIN or error.status >= _SERVER_ERROR):
            raise self._refused(response, error.status, content)
        text = self._quoted(content, response.body)
        has_results = isinstance(content, dict) and isinstance(content.get("results"), list)
        if complaint is not None and has_results:
            detail = f"{response.address} answers with an error: {text}"
            raise PlateServiceError("refused", detail, counts=True)
        detail = f"{response.address} answers something else: '{text}'"
        raise PlateServiceError("answer not understood", detail, counts=True)

    def _refused(self, response: HttpResponse, status: int, content: Any) -> PlateServiceError:
        text = self._quoted(content, response.body)
        wait = _seconds_to_wait(response)
        reason, advice = self._meaning(status, text)
        if reason == USED_UP[0]:
            wait = _HOUR
        return PlateServiceError(
            reason,
            f"{response.address} answers {status} ({advice}){text and f': {text}'}"
            f"{through_proxy(response.address)}",
            retry=status >= _SERVER_ERROR or reason == TOO_MANY[0],
            until=time.time() + wait if wait else 0.0,
        )

    def _meaning(self, status: int, text: str) -> tuple[str, str]:
        """Return a refusal in few words, and what to do about it."""
        if status >= _SERVER_ERROR:
            return "no answer", "it is in trouble"
        if 300 <= status < 400:  # noqa: PLR2004 - the HTTP statuses that send one elsewhere
            return NOT_THERE[0], "redirects are not followed: check [alpr] alpr_url"
        meaning = self._meanings.get(status, ("refused", "it refuses the request"))
        is_used_up = {TOO_MANY: _OF_MONTH, REFUSED_KEY: _OF_QUOTA}.get(meaning)
        return USED_UP if is_used_up and is_used_up.search(text) else meaning

    def _quoted(self, content: Any, body: bytes) -> str:
        """Return what the service says as one short line without the key."""
        if isinstance(content, dict) and "predictions" not in content:
            content = (
                content.get("detail") or content.get("error") or content.get("message") or content
            )
        text = _text(body) if content is None else str(content)
        return one_line(masked(text, [self.key]), _LONGEST_QUOTE)


def quota_of(database: FallbackDatabase, account: str, most: int) -> Quota:
    """Return the quota of one account: `most` look-ups a month, 0 for any number."""
    detail = (
        f"this month's {most or ''} look-ups are used up ([alpr] alpr_per_month, or your plan); the"
        " next month begins on the 1st"
    )
    limit = Limit(most, MONTH, "no look-ups left", detail)
    return Quota(database, account, [limit], PlateServiceError, longest_hold=LONGEST_HOLD)


def _text(body: bytes) -> str:
    return body[:_LONGEST_BODY].decode("utf-8", "replace")


def _seconds_to_wait(response: HttpResponse) -> float:
    """Return the seconds to leave it alone; Plate Recognizer says them in words."""
    seconds = wait_of_header(response.retry_after)
    return (wait_of(_text(response.body)) or 0.0) if seconds is None else seconds


def _unanswered(problem: HttpProblem) -> PlateServiceError:
    is_late = problem.failure is HttpFailure.TIMEOUT
    return PlateServiceError(
        problem.short,
        f"{problem.address}: {problem.with_advice(_ADVICE)}",
        retry=problem.retry and not is_late and problem.failure is not HttpFailure.PENDING,
        counts=is_late,
    )
