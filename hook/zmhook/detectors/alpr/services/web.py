"""Asking a service by HTTP: in time, once more where that may help, and never showing the key.

HTTP libraries limit the time between two packets, not that of an answer, so each question is asked
in a thread that is waited for. The connection is kept for the next one.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.detectors.alpr.services.base import Unread
from zmhook.errors import MissingPart
from zmhook.net import proxies
from zmhook.net.authorities import use_system_store
from zmhook.net.error_body import complaint_in, error_in, parsed
from zmhook.net.retry_after import wait_of, wait_of_header
from zmhook.net.timeout import Call, TooLongError, causes
from zmhook.net.urls import shown
from zmhook.printable import one_line
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from zmhook.deadline import Deadline

log = logging.getLogger(__name__)

MAX_BODY = 1 << 20
"""Bytes of an answer, which is some lines for each plate."""
LONGEST_WAIT = 5.0
"""Seconds that are waited before asking once more; whoever wants more is asked at another event."""
SHORTEST_WAIT = 1.0
LEAST_TIME = 0.5
"""Seconds below which nothing is asked."""
MOST_WAITING = 4
"""Questions that were given up and have not ended; with more of them nothing is asked."""
_HOUR = 3600.0
_CHUNK = 16_384
_QUOTED = 160
_OK = (200, 201)
_SERVER_ERROR = 500
_CUT_OFF = ("ConnectionResetError", "BrokenPipeError", "IncompleteRead", "SSLEOFError")

# What an HTTP status means → in few words, and what to do.
REFUSED_KEY = ("the key is refused", "[alpr] alpr_key is refused: copy it from your account there")
USED_UP = ("no look-ups left", "this month's look-ups are used up there: wait, or buy more")
TOO_MANY = ("too many questions", "it is asked too often for your plan")
TOO_LARGE = ("picture too large", "the picture is too large for it: lower [alpr] alpr_max_size")
NOT_THERE = ("no such service", "there is no such service at this address: check [alpr] alpr_url")
MEANINGS = {401: REFUSED_KEY, 402: USED_UP, 403: REFUSED_KEY, 404: NOT_THERE, 413: TOO_LARGE}
MEANINGS |= {405: NOT_THERE, 429: TOO_MANY}
_OF_MONTH = re.compile(r"month|\bcredits?\b", re.IGNORECASE)
_WITHIN = frozenset({401, 402, 413, 429})
"""Errors that mean the same within an answer of status 200; so do those of 500 and more."""


def _anything(answer: dict[str, Any]) -> bool:
    return bool(answer)


class Request(NamedTuple):
    """A question, in the words of `requests.Session.request`. `auth` is an Authorization header.

    `fits` says whether an object is an answer to it, and not another service's, or an error.
    """

    method: str
    url: str
    more: dict[str, Any]
    auth: str = ""
    fits: Callable[[dict[str, Any]], bool] = _anything


class _LateError(Exception):
    pass


class Web:
    """A session with one service. Safe for use by one thread at a time."""

    def __init__(
        self, timeout: float, secret: str, meanings: Mapping[int, tuple[str, str]] | None = None
    ) -> None:
        self._timeout = timeout
        self._secret = secret
        self._meanings = {**MEANINGS, **(meanings or {})}
        self._session: requests.Session | None = None
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def load(self) -> None:
        """Open the session; raises `MissingPart` where the library is not installed."""
        self._opened()

    def ask(self, request: Request, deadline: Deadline) -> Any:
        """Return the JSON of the answer; raises `Unread`.

        A server that is overloaded or not there is asked once more, if there is time for that.
        """
        try:
            return self._attempt(request, deadline)
        except Unread as error:
            wait = max(SHORTEST_WAIT, error.wait)
            if not error.again or wait > LONGEST_WAIT or deadline.left() < wait + LEAST_TIME:
                raise
            log.debug("%s; asking again in %.1f s", error, wait)
            deadline.sleep(wait)
        return self._attempt(request, deadline)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _opened(self) -> requests.Session:
        if self._session is not None:
            return self._session
        try:
            import requests
        except ImportError:
            raise MissingPart("a service that reads plates", "requests", "alpr") from None
        use_system_store()
        # It logs the addresses of requests, and one service wants its key there.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)
        self._session = requests.Session()
        return self._session

    def _attempt(self, request: Request, deadline: Deadline) -> Any:
        seconds = min(self._timeout, deadline.left())
        if seconds < LEAST_TIME:
            raise Unread("no time left", "there was no time left to ask")
        started = time.perf_counter()
        try:
            status, data, after = self._answer(request, seconds)
        except Unread:
            raise
        except Exception as error:  # noqa: BLE001 - three libraries' errors, told apart in there
            self.close()  # what is left of a broken connection is not used again
            failed = _explained(error, shown(request.url), seconds)
        else:
            log.debug(
                "%s answered %d in %.0f ms",
                shown(request.url),
                status,
                (time.perf_counter() - started) * 1000,
            )
            return self._read(request, status, data, after)
        raise failed  # outside, so that nothing of the library's hangs on to it

    def _answer(self, request: Request, seconds: float) -> tuple[int, bytes, str]:
        """Return the status, the body, and what it says about asking again."""
        session = self._opened()
        if not self._waiting.acquire(blocking=False):
            raise Unread("no answer in time", "earlier questions are still not answered")
        call = Call(lambda: _asked(session, request, seconds), self._waiting.release)
        call.join(seconds)
        if call.error is not None:
            raise call.error
        if call.answer is None:
            raise _LateError
        return call.answer

    def _read(self, request: Request, status: int, data: bytes, after: str) -> Any:
        said, place = parsed(data), shown(request.url)
        text, everything = self._quoted(said, data), data[:_CHUNK].decode("utf-8", "replace")
        if status not in _OK:
            raise self._refused(status, text, _wait(after, everything), place)
        if isinstance(said, dict) and request.fits(said):
            return said
        complaint = complaint_in(said)
        error = error_in(said) or complaint
        if error is not None and (error.status in _WITHIN or error.status >= _SERVER_ERROR):
            raise self._refused(error.status, text, _wait(after, everything), place)
        if (
            complaint is not None
            and isinstance(said, dict)
            and isinstance(said.get("results"), list)
        ):
            raise Unread("refused", f"{place} answers with an error: {text}", counts=True)
        raise Unread(
            "answer not understood", f"{place} answers something else: '{text}'", counts=True
        )

    def _refused(self, status: int, said: str, wait: float, place: str) -> Unread:
        short, advice = self._meanings.get(status, ("refused", "it refuses the question"))
        if status >= _SERVER_ERROR:
            short, advice = "no answer", "it is in trouble"
        elif 300 <= status < 400:  # noqa: PLR2004 - the HTTP statuses that send one elsewhere
            short, advice = NOT_THERE[0], "redirects are not followed: check [alpr] alpr_url"
        if short == TOO_MANY[0] and _OF_MONTH.search(said):
            short, advice = USED_UP
        if short == REFUSED_KEY[0] and re.search(r"credit|quota|limit", said, re.IGNORECASE):
            short, advice = USED_UP
        hold = _HOUR if short == USED_UP[0] else 0.0
        return Unread(
            short,
            f"{place} answers {status} ({advice}){said and f': {said}'}",
            again=status >= _SERVER_ERROR or short == TOO_MANY[0],
            wait=wait,
            hold=hold or (wait if wait > LONGEST_WAIT else 0.0),
        )

    def _quoted(self, said: Any, data: bytes) -> str:
        """Return what the service says as one short line without the key."""
        if isinstance(said, dict) and "predictions" not in said:
            said = said.get("detail") or said.get("error") or said.get("message") or said
        text = str(said) if said is not None else data[:_CHUNK].decode("utf-8", "replace")
        return one_line(masked(text, [self._secret]), _QUOTED)


def _asked(session: requests.Session, request: Request, seconds: float) -> tuple[int, bytes, str]:
    end = time.monotonic() + seconds

    def sign(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if request.auth:
            prepared.headers["Authorization"] = request.auth
        return prepared

    with session.request(
        request.method,
        request.url,
        # Without auth, requests would look for a password in ~/.netrc.
        auth=sign,
        headers={"Accept-Encoding": "identity"},
        timeout=seconds,
        allow_redirects=False,
        stream=True,
        **request.more,
    ) as answer:
        data = _within_limit(answer, end)
        return answer.status_code, data, answer.headers.get("Retry-After", "").strip()


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
            raise _LateError
    return bytes(data)


def _wait(after: str, said: str) -> float:
    """Return the seconds to leave it alone; Plate Recognizer tells them in words."""
    found = wait_of_header(after)
    return (wait_of(said) or 0.0) if found is None else found


# What went wrong → in few words, and in a sentence. The first that fits is said.
_PLAIN: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        ConnectionRefusedError,
        "no connection",
        "refused the connection: does it run, and is the port right?",
    ),
    (socket.gaierror, "no network", "its name cannot be resolved: is there a network, and DNS?"),
    (TooLongError, "answer not understood", f"sent more than {MAX_BODY} bytes, or compressed"),
)


def _explained(error: BaseException, place: str, seconds: float) -> Unread:
    """Say why there was no answer. The libraries' texts are not shown: they hold addresses."""
    found = list(causes(error))
    if proxy := proxies.trouble(place, found):
        return Unread("no network", f"{place}: {proxy}", again=True)
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"{place}: its certificate cannot be verified ({cause.verify_message})"
            return Unread("no connection", text)
        for kind, short, text in _PLAIN:
            if isinstance(cause, kind):
                return Unread(short, f"{place} {text}", again=kind is ConnectionRefusedError)
    return _less_plain(found, place, seconds)


def _less_plain(found: list[BaseException], place: str, seconds: float) -> Unread:
    names = [type(cause).__name__ for cause in found]
    if any(isinstance(cause, _LateError) for cause in found) or "Timeout" in " ".join(names):
        text = f"{place}: no complete answer within {seconds:.3g} s ([alpr] alpr_timeout)"
        return Unread("no answer in time", text, counts=True)
    if any("Protocol" in name or name in _CUT_OFF for name in names):
        text = "closed the connection before its answer was complete, or speaks no HTTP"
        return Unread("no answer", f"{place} {text}", again=True)
    reasons = [cause.strerror for cause in found if isinstance(cause, OSError) and cause.strerror]
    if reasons:
        return Unread("no network", f"{place} cannot be reached ({reasons[0]})", again=True)
    kind = names[0] if names else "no reason given"
    return Unread("answer not understood", f"{place}: its answer is not understood ({kind})")
