"""Send HTTP requests with a limit on everything: time, size, redirects, and what errors show.

    with HttpClient(limit=1 << 20) as client:
        response = client.request("GET", "https://host/path", seconds=5)

Proxies come from the environment, authorities from this machine (`use_system_store`). Nothing is
read from `~/.netrc`. `requests` is imported with the first client.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from zmhook import __version__
from zmhook.net.http_problem import Compressed, HttpFailure, HttpProblem, TooLarge, problem_of
from zmhook.net.urls import shown
from zmhook.process.environment import use_system_store
from zmhook.process.limits import MOST_PENDING, TimedCalls

if TYPE_CHECKING:
    import requests
    from typing_extensions import Self

Auth = Callable[["requests.PreparedRequest"], "requests.PreparedRequest"]
"""Signs a request, as the classes of `requests.auth` do."""

CHUNK = 1 << 16
LEAST_SECONDS = 0.05
"""With less time than this nothing is sent."""
OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOGGERS = ("google_genai", "google.auth", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3")


class HttpResponse(NamedTuple):
    """A response, whatever its status; `address` is the URL without what may be secret in it.

    Names of `headers` may be written in any case.
    """

    address: str
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        """Where a redirect leads, which nobody followed; "" for other responses."""
        return self.headers.get("Location", "") if self.status in _REDIRECTS else ""

    @property
    def retry_after(self) -> str:
        return self.headers.get("Retry-After", "").strip()

    def json(self) -> Any:
        """Return the JSON of the body, None when it is none. NaN and Infinity are read as such."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class HttpStream(NamedTuple):
    """A response whose body is read piece by piece; `blocks` raises `HttpProblem`."""

    address: str
    status: int
    headers: Mapping[str, str]
    blocks: Iterator[bytes]


class HttpClient:
    """A session with a server; its connection is kept for the next request.

    For one thread at a time. With `keep=False` each request has a connection of its own, and any
    thread may send one. A body has at most `limit` bytes; with None it is not read at all.
    `compressed` allows it to be compressed. `most_pending` requests may run at once, with those
    that were given up and have not ended.
    """

    def __init__(
        self,
        *,
        limit: int | None,
        verify: bool = True,
        connect_seconds: float | None = None,
        keep: bool = True,
        compressed: bool = False,
        most_pending: int = MOST_PENDING,
    ) -> None:
        self._limit = limit
        self._verify = verify
        self._connect_seconds = connect_seconds
        self._keeps = keep
        self._compressed = compressed
        self._calls = TimedCalls(most_pending)
        self._kept: requests.Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(
        self,
        method: str,
        url: str,
        seconds: float,
        *,
        auth: Auth | None = None,
        limit: int | None = None,
        **content: Any,
    ) -> HttpResponse:
        """Return the response, whatever its status, read to its end within `seconds`.

        `content` is what `requests` calls json, data, files, params or headers. `limit` replaces
        the client's own. Redirects are not followed. A kept connection that the server has closed
        meanwhile costs one more attempt. Raises `HttpProblem`.
        """
        end = time.monotonic() + seconds
        send = {"method": method, "url": url, "auth": auth or authorization(""), **content}
        limit = self._limit if limit is None else limit
        was_kept = self._kept is not None
        try:
            return self._attempt(send, end, seconds, limit)
        except HttpProblem as problem:
            if not was_kept or problem.failure is not HttpFailure.CLOSED:
                raise
        return self._attempt(send, end, seconds, limit)

    @contextmanager
    def stream(
        self, url: str, seconds: float, headers: Mapping[str, str] | None = None
    ) -> Iterator[HttpStream]:
        """Open what is at `url`, wherever it redirects to; raises `HttpProblem`.

        `seconds` limits the time between two packets: the caller watches the whole.
        """
        checked(url)
        send = {"method": "GET", "url": url, "auth": authorization(""), "headers": headers}
        session = self._session()
        try:
            response = self._send(session, send, seconds, redirects=True)
        except Exception as error:  # noqa: BLE001 - explained there
            problem = self._problem(error, url, seconds)
        else:
            with response:
                blocks = self._blocks(response, url, seconds)
                yield HttpStream(shown(url), response.status_code, response.headers, blocks)
            return
        finally:
            if not self._keeps:
                session.close()
        raise problem

    def close(self) -> None:
        session, self._kept = self._kept, None
        if session is not None:
            session.close()

    def _attempt(
        self, send: dict[str, Any], end: float, seconds: float, limit: int | None
    ) -> HttpResponse:
        checked(send["url"])
        left = end - time.monotonic()
        if left < LEAST_SECONDS:
            raise HttpProblem(shown(send["url"]), HttpFailure.NO_TIME)
        session = self._session()
        try:
            return self._calls.run(lambda: self._respond(session, send, left, limit), left)
        except Exception as error:  # noqa: BLE001 - explained there
            self.close()  # what is left of a broken connection is not used again
            problem = self._problem(error, send["url"], seconds, limit)
        raise problem  # outside, so that nothing of the library's hangs on to it

    def _session(self) -> requests.Session:
        if self._kept is not None:
            return self._kept
        import requests
        import urllib3

        use_system_store()
        silence_libraries()
        if not self._verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        session = requests.Session()
        session.headers["User-Agent"] = f"zmhook/{__version__}"
        if not self._compressed:
            session.headers["Accept-Encoding"] = "identity"
        if self._keeps:
            self._kept = session
        return session

    def _respond(
        self, session: requests.Session, send: dict[str, Any], seconds: float, limit: int | None
    ) -> HttpResponse:
        end = time.monotonic() + seconds
        try:
            with self._send(session, send, seconds, redirects=False) as response:
                return HttpResponse(
                    shown(send["url"]),
                    response.status_code,
                    self._body(response, end, limit),
                    response.headers,
                )
        finally:
            if not self._keeps:
                session.close()

    def _send(
        self, session: requests.Session, send: dict[str, Any], seconds: float, *, redirects: bool
    ) -> requests.Response:
        return session.request(
            **send,
            timeout=(min(seconds, self._connect_seconds or seconds), seconds),
            # Here and not on the session, where an environment variable would win over it.
            verify=self._verify,
            allow_redirects=redirects,
            stream=True,
        )

    def _body(self, response: requests.Response, end: float, limit: int | None) -> bytes:
        """Read a body that is neither too long nor, byte by byte, without end."""
        if limit is None:
            return b""
        encoding = response.headers.get("Content-Encoding", "identity")
        if not self._compressed and encoding.lower() != "identity":
            raise Compressed
        data = bytearray()
        for part in response.iter_content(CHUNK):
            data += part
            if len(data) > limit:
                raise TooLarge
            if time.monotonic() > end:
                raise TimeoutError
        return bytes(data)

    def _blocks(self, response: requests.Response, url: str, seconds: float) -> Iterator[bytes]:
        try:
            while block := response.raw.read1(CHUNK):
                yield block
        except Exception as error:  # noqa: BLE001 - explained there
            problem = self._problem(error, url, seconds)
        else:
            return
        raise problem

    def _problem(
        self, error: Exception, url: str, seconds: float, limit: int | None = None
    ) -> HttpProblem:
        return problem_of(
            error,
            url,
            seconds=seconds,
            connect_seconds=self._connect_seconds,
            limit=limit,
        )


def authorization(value: str) -> Auth:
    """Return an `auth` that sends the header `Authorization: value`, or none for "".

    Without any `auth`, `requests` would take a password from `~/.netrc`.
    """

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if value:
            request.headers["Authorization"] = value
        return request

    return sign


def bearer(token: str) -> Auth:
    return authorization(f"Bearer {token}" if token else "")


def basic(user: str, password: str) -> Auth:
    """Return an `auth` for basic authentication; none without a user. Text is sent as UTF-8."""
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    return authorization(f"Basic {login}" if user else "")


def checked(url: str) -> None:
    """Raise `HttpProblem` for what is no complete http or https address."""
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_complete = False
    if not is_complete:
        raise HttpProblem(shown(url), HttpFailure.ADDRESS)


def silence_libraries() -> None:
    """Keep the libraries from logging: at some levels they show addresses and headers with keys."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
