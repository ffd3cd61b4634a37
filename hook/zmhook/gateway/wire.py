"""Asking a gateway over HTTP: in time, within limits, and never showing a secret.

`requests` limits the time between two packets, not that of an answer, so each question is asked in
a thread that is waited for. The connection is kept for the next one.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from zmhook.errors import GatewayError, MissingPart
from zmhook.image.sniff import describe
from zmhook.net import proxies
from zmhook.net.authorities import use_system_store
from zmhook.net.error_body import error_in
from zmhook.net.timeout import Call, TooLongError, causes
from zmhook.net.urls import shown
from zmhook.printable import one_line
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

MAX_BODY = 5_000_000
"""Bytes of an answer: a thousand detections for each of some frames."""
MOST_WAITING = 8
"""Questions that were given up and have not ended; with more of them nothing is asked."""
CONNECT_SECONDS = 3.0
LEAST_TIME = 0.05
"""Seconds below which nothing is asked."""
_CHUNK = 65_536
_LONGEST_WAIT = 3600.0
_OK, _NOT_THERE, _TOO_MANY, _SERVER_ERROR, _UNAVAILABLE = 200, (404, 405), 429, 500, 503
_CUT_OFF = frozenset(
    {
        "BrokenPipeError",
        "ChunkedEncodingError",
        "ConnectionResetError",
        "IncompleteRead",
        "ProtocolError",
        "RemoteDisconnected",
        "SSLEOFError",
    }
)

Files = list[tuple[str, tuple[str | None, bytes, str]]]
"""Parts of a form: the field's name, then the file's name, its bytes and their type."""


class _LateError(Exception):
    pass


class Reply(NamedTuple):
    """What a server answered; `place` is the address asked, without what may be secret in it."""

    place: str
    status: int
    body: bytes
    retry_after: str = ""
    location: str = ""

    @property
    def ok(self) -> bool:
        return self.status == _OK

    def data(self) -> Any:
        """Return what the JSON is, None when it is none. NaN and Infinity are read as such."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def said(self, *secrets: str) -> str:
        """Return in a few words what the answer is, without the secrets should it repeat them."""
        text = masked(self.body.decode("utf-8", "surrogateescape"), secrets)
        found = _detail(text)
        return describe(text.encode("utf-8", "surrogateescape")) if found is None else found

    def seconds_to_wait(self) -> float:
        text = self.retry_after.strip()
        wait = float(text) if text.isascii() and text.isdigit() else 1.0
        return min(wait, _LONGEST_WAIT)


class Wire:
    """A session with the server at `place`, which errors name; used by one thread at a time."""

    def __init__(self, place: str, *, verify: bool) -> None:
        self._place = place
        self._verify = verify
        self._session: requests.Session | None = None
        self._is_fresh = True
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)

    def ask(
        self,
        method: str,
        url: str,
        seconds: float,
        *,
        token: str = "",
        **content: Any,
    ) -> Reply:
        """Return the answer, whatever its status, read to its end within `seconds`.

        `content` is what `requests` calls json, data, files or params. Redirects are not followed.
        Raises `GatewayError`. A kept connection that the server has closed meanwhile costs one more
        try.
        """
        end = time.monotonic() + seconds
        try:
            return self._once(method, url, end, token, content)
        except _DroppedError:
            return self._once(method, url, end, token, content)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _once(
        self, method: str, url: str, end: float, token: str, content: Mapping[str, Any]
    ) -> Reply:
        seconds, place = end - time.monotonic(), self._place
        if seconds < LEAST_TIME:
            raise GatewayError(f"{place}: there was no time left to ask", "request")
        session, was_kept = self._opened(), not self._is_fresh
        try:
            return self._within(
                seconds, lambda: self._request(session, method, url, seconds, token, content)
            )
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001 - three libraries' errors, told apart in there
            # What is left of a broken connection is not used again.
            self.close()
            found = list(causes(error))
            kind = _DroppedError if was_kept and _is_cut_off(found) else GatewayError
            failed = kind(f"{place}: {proxies.trouble(url, found) or _why(found, seconds)}")
        raise failed  # outside, so that nothing of the library's hangs on to it

    def _within(self, seconds: float, ask: Callable[[], Reply]) -> Reply:
        if not self._waiting.acquire(blocking=False):
            raise GatewayError(f"{self._place}: earlier questions are still not answered")
        call = Call(ask, self._waiting.release)
        call.join(seconds)
        if call.error is not None:
            raise call.error
        if call.answer is None:
            raise _LateError
        self._is_fresh = False
        return call.answer

    def _opened(self) -> requests.Session:
        if self._session is not None:
            return self._session
        try:
            import requests
            import urllib3
        except ImportError:
            raise MissingPart("asking another machine", "requests", "remote") from None
        use_system_store()
        # It logs the addresses of requests.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)
        if not self._verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._session = requests.Session()
        self._is_fresh = True
        return self._session

    def _request(
        self,
        session: requests.Session,
        method: str,
        url: str,
        seconds: float,
        token: str,
        content: Mapping[str, Any],
    ) -> Reply:
        end = time.monotonic() + seconds

        def sign(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
            if token:
                prepared.headers["Authorization"] = f"Bearer {token}"
            return prepared

        with session.request(
            method,
            url,
            # Without auth, requests would look for a password in ~/.netrc.
            auth=sign,
            headers={"Accept-Encoding": "identity"},
            timeout=(min(seconds, CONNECT_SECONDS), seconds),
            # Here and not on the session, where an environment variable would win over it.
            verify=self._verify,
            allow_redirects=False,
            stream=True,
            **content,
        ) as answer:
            return Reply(
                shown(url),
                answer.status_code,
                _within_limit(answer, end),
                answer.headers.get("Retry-After", ""),
                answer.headers.get("Location", ""),
            )


class _DroppedError(GatewayError):
    """The kept connection was closed by the other side before it took the question."""


def refused(reply: Reply, *secrets: str) -> GatewayError:
    """Say what an answer that is no success means."""
    said, status = reply.said(*secrets), reply.status
    text = f"{reply.place}: answers {status}: {said}"
    if status in (_TOO_MANY, _UNAVAILABLE):
        return GatewayError(f"{text}: it is too busy", "busy", reply.seconds_to_wait())
    if reply.location:
        return GatewayError(
            f"{reply.place}: redirects to {shown(reply.location)}, which is not followed: set"
            " [remote] ml_gateway to where it leads"
        )
    if status < _SERVER_ERROR and not reply.ok and status not in _NOT_THERE:
        return GatewayError(text, "request")
    advice = "its log says why" if status >= _SERVER_ERROR else "is [remote] ml_gateway right?"
    return GatewayError(f"{text}: {advice}")


def not_understood(reply: Reply, *secrets: str) -> GatewayError:
    """Say that an answer is something else than what such servers answer.

    An error within it that says to wait counts as that error.
    """
    error = error_in(reply.data())
    if error is not None and error.status in (_TOO_MANY, _UNAVAILABLE):
        return refused(reply._replace(status=error.status), *secrets)
    return GatewayError(
        f"{reply.place}: what it answers is not understood ({reply.said(*secrets)}): is [remote]"
        " ml_gateway right?"
    )


def _within_limit(answer: requests.Response, end: float) -> bytes:
    """Read a body that is neither too long nor, byte by byte, without end."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise TooLongError
    data = bytearray()
    for part in answer.iter_content(_CHUNK):
        data += part
        if len(data) > MAX_BODY:
            raise TooLongError
        if time.monotonic() > end:
            raise _LateError
    return bytes(data)


def _detail(text: str) -> str | None:
    """Return what a server says of itself as one short line: `detail`, `msg` or `error`."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    found = answer.get("detail") or answer.get("msg") or answer.get("error")
    return one_line(found) if isinstance(found, str) else None


def _is_cut_off(found: list[BaseException]) -> bool:
    return any(type(cause).__name__ in _CUT_OFF for cause in found)


# What went wrong → what to say and to do. The first that fits is said.
_PLAIN: tuple[tuple[type[BaseException], str], ...] = (
    (
        ConnectionRefusedError,
        "refused the connection: does the server run, and is the port right?",
    ),
    (
        socket.gaierror,
        "its name cannot be resolved: check [remote] ml_gateway and this machine's DNS",
    ),
    (TooLongError, f"its answer has more than {MAX_BODY} bytes, or compressed ones"),
)


def _why(found: list[BaseException], seconds: float) -> str:
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message.strip(" .")
            return f"its certificate cannot be verified ({reason}): see [remote] ml_verify"
        for kind, text in _PLAIN:
            if isinstance(cause, kind):
                return text
    if _is_cut_off(found):
        return "closed the connection before its answer was complete, or speaks no HTTP"
    if any(isinstance(cause, ssl.SSLError) for cause in found):
        return "TLS failed: does that port speak https?"
    return _less_plain(found, seconds)


def _less_plain(found: list[BaseException], seconds: float) -> str:
    reasons = [cause.strerror for cause in found if isinstance(cause, OSError) and cause.strerror]
    if reasons:
        return f"cannot be reached ({reasons[0]})"
    names = [type(cause).__name__ for cause in found]
    if "ConnectTimeoutError" in names:
        return "nobody answers there: is the machine on, and the address right?"
    if "_LateError" in names or "Timeout" in " ".join(names):
        return f"no complete answer within {seconds:.3g} s ([remote] ml_timeout)"
    return f"cannot be asked ({names[0] if names else 'no reason given'})"
