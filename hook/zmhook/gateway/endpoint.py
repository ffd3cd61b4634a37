"""Send requests to a server, logged in as the user of the settings, and explain its refusals."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from zmhook.errors import Blame, GatewayError, MissingPart
from zmhook.gateway.parse import finite
from zmhook.gateway.protocol import LOGIN
from zmhook.image.sniff import describe
from zmhook.net.error_body import error_in
from zmhook.net.http import HttpClient, bearer
from zmhook.net.http_problem import HttpFailure, HttpProblem, through_proxy
from zmhook.net.tokens import MARGIN, TokenStore, expiry_of
from zmhook.net.urls import shown
from zmhook.printable import one_line
from zmhook.text.redact import masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.deadline import Deadline
    from zmhook.net.http import HttpResponse
    from zmhook.settings import Settings


MAX_BODY = 5_000_000
"""Bytes of a response: a thousand detections for each of some frames."""
CONNECT_SECONDS = 3.0
UNAUTHORIZED, FORBIDDEN = 401, 403
TOKEN_REFUSED = (UNAUTHORIZED, 422)
"""mlapi answers 422 to a token that it cannot read, such as one from before it was set up anew."""
LOGIN_REFUSED = (400, 401, 403)
TOKEN_FILE = "remote_tokens.json"  # noqa: S105 - a file's name
LONGEST_TOKEN = 8192
LONGEST_LIFE = 30 * 86_400.0
RENEW_AT = 0.9
"""The share of its life after which a short-lived token is renewed."""
OK, NOT_FOUND, TOO_MANY, SERVER_ERROR, UNAVAILABLE = 200, (404, 405), 429, 500, 503
LONGEST_WAIT = 3600.0
_CHECK = "is [remote] ml_gateway right?"
_ADVICE = {
    HttpFailure.ADDRESS: "check [remote] ml_gateway",
    HttpFailure.REFUSED: "does the server run, and is the port right?",
    HttpFailure.NAME: "check [remote] ml_gateway and this machine's DNS",
    HttpFailure.UNREACHABLE: "is the machine on, and the address right?",
    HttpFailure.CERTIFICATE: "see [remote] ml_verify",
    HttpFailure.TLS: "does that port speak https?",
    HttpFailure.PROTOCOL: "is the port right?",
    HttpFailure.TIMEOUT: "see [remote] ml_timeout",
}


class Endpoint:
    """Sends requests below one address; used by one thread at a time.

    A token that is refused is renewed once.
    """

    def __init__(self, settings: Settings, base: str) -> None:
        remote = settings.remote
        self.address = shown(base)
        self._base = base
        self._timeout = remote.ml_timeout
        self._client = HttpClient(
            limit=MAX_BODY, verify=remote.ml_verify, connect_seconds=CONNECT_SECONDS
        )
        self._token = GatewayToken(settings, base)

    def request(self, method: str, path: str, deadline: Deadline, **content: Any) -> HttpResponse:
        """Return the response to a request with our login; raises `GatewayError`.

        `content` is what `requests` calls json, data, files or params.
        """
        response = self._request(method, path, deadline, content)
        if response.status in TOKEN_REFUSED and self._token.user:
            self._token.forget()
            response = self._request(method, path, deadline, content)
        if response.status in (UNAUTHORIZED, FORBIDDEN):
            raise self._token.refusal(response)
        return response

    def peek(self, path: str, deadline: Deadline) -> HttpResponse:
        """Return the response to a GET with the token that there is, without logging in."""
        return self._send("GET", path, self._token.current(), self._seconds(deadline), {})

    def get(self, path: str, deadline: Deadline) -> HttpResponse:
        """Return the response to a GET, logging in only if the server asks for it."""
        response = self.peek(path, deadline)
        if response.status == UNAUTHORIZED:
            return self.request("GET", path, deadline)
        return response

    def check_time(self, deadline: Deadline) -> None:
        """Raise `GatewayError` when there is no time left for the rest of a request."""
        if deadline.left() <= 0:
            raise GatewayError(f"{self.address}: did not answer all of it in time", "request")

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._token.secrets

    def close(self) -> None:
        self._client.close()

    def _request(
        self, method: str, path: str, deadline: Deadline, content: dict[str, Any]
    ) -> HttpResponse:
        def log_in(login: dict[str, str]) -> HttpResponse:
            return self._send("POST", LOGIN, "", self._seconds(deadline), {"json": login})

        token = self._token.valid(log_in)
        return self._send(method, path, token, self._seconds(deadline), content)

    def _send(
        self, method: str, path: str, token: str, seconds: float, content: dict[str, Any]
    ) -> HttpResponse:
        try:
            return self._client.request(
                method, f"{self._base}{path}", seconds, auth=bearer(token), **content
            )
        except HttpProblem as error:
            problem = error
        except ImportError:
            raise MissingPart("asking another machine", "requests", "remote") from None
        raise no_response(self.address, problem)

    def _seconds(self, deadline: Deadline) -> float:
        seconds = min(self._timeout, deadline.left())
        if seconds <= 0:
            raise GatewayError(f"{self.address}: there was no time left for a request", "request")
        return seconds


class GatewayToken:
    """The token of one user at one address, shared between processes and renewed before it ends."""

    def __init__(self, settings: Settings, base: str) -> None:
        remote = settings.remote
        self.user = remote.ml_user
        self._password = remote.ml_password
        self._stored = TokenStore(settings.general.base_data_path, base, self.user, TOKEN_FILE)
        self._token = ""
        self._renew_at = 0.0

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._token, self._password.reveal()

    def valid(self, log_in: Callable[[dict[str, str]], HttpResponse]) -> str:
        """Return a valid token, "" without a user; `log_in` sends user and password.

        Raises `GatewayError`.
        """
        if self.user and not self.current():
            self._keep(log_in({"username": self.user, "password": self._password.reveal()}))
        return self._token if self.user else ""

    def current(self) -> str:
        """Return the token that we have, or that another process has stored; "" without one.

        One that was refused is not used again.
        """
        if not self.user:
            return ""
        if time.time() < self._renew_at:
            return self._token
        stored = self._stored.stored()
        if stored is None or stored.credentials == self._token:
            return ""
        self._token, self._renew_at = stored.credentials, stored.until - MARGIN
        return self._token

    def forget(self) -> None:
        """Stop using the token: it was refused."""
        self._renew_at = 0.0

    def refusal(self, response: HttpResponse) -> GatewayError:
        """Return the error for a request that was refused without a login, or in spite of one."""
        if not self.user:
            text = "asks for a login: set [remote] ml_user and ml_password"
        else:
            message = error_text(response, *self.secrets)
            text = f"does not let user '{self.user}' ask ({message}): check [remote] ml_user"
        return GatewayError(f"{response.address}: {text}", "login")

    def _keep(self, response: HttpResponse) -> None:
        """Use and store the token of a login's response; other processes renew it early, too."""
        if response.status in LOGIN_REFUSED:
            message = error_text(response, *self.secrets)
            raise GatewayError(
                f"{response.address}: refused to log in user '{self.user}' ({message}): check"
                " [remote] ml_user and ml_password",
                "login",
            )
        if response.status != OK:
            raise refused(response, *self.secrets)
        content = response.json()
        token = content.get("access_token") if isinstance(content, dict) else None
        if not isinstance(token, str) or not _is_token(token):
            raise GatewayError(
                f"{response.address}: its response to the login has no token: is [remote]"
                " ml_gateway right?"
            )
        life = _life(content.get("expires"), token)
        self._token, self._renew_at = token, time.time() + max(life - MARGIN, life * RENEW_AT)
        self._stored.write(token, self._renew_at + MARGIN)


def _is_token(text: str) -> bool:
    """Return whether this can stand in a header."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii() and text.isprintable()


def _life(expires: object, token: str) -> float:
    """Return the seconds that a token lasts: as the server says, or else as it says itself."""
    life = finite(expires) or 0.0
    if life <= 0:
        life = expiry_of(token) - time.time()
    return min(max(life, 0.0), LONGEST_LIFE)


# -- what a response means when it is no success, or makes no sense --------------------------------


def no_response(address: str, problem: HttpProblem) -> GatewayError:
    """Return the error for a request that got no complete response."""
    blame: Blame = "request" if problem.failure is HttpFailure.NO_TIME else "server"
    return GatewayError(f"{address}: {problem.with_advice(_ADVICE)}", blame)


def refused(response: HttpResponse, *secrets: str) -> GatewayError:
    """Return the error for a response that is no success."""
    message, status = error_text(response, *secrets), response.status
    text = f"{response.address}: answers {status}: {message}{through_proxy(response.address)}"
    if status in (TOO_MANY, UNAVAILABLE):
        return GatewayError(f"{text}: it is too busy", "busy", wait_seconds(response))
    if response.location:
        return GatewayError(
            f"{response.address}: redirects to {shown(response.location)}, which is not followed:"
            " set [remote] ml_gateway to where it leads"
        )
    if status < SERVER_ERROR and status != OK and status not in NOT_FOUND:
        return GatewayError(text, "request")
    return GatewayError(f"{text}: {'its log says why' if status >= SERVER_ERROR else _CHECK}")


def not_understood(response: HttpResponse, *secrets: str) -> GatewayError:
    """Return the error for a response that is not what such servers send.

    If it holds an error that says to wait, it is that error.
    """
    error = error_in(response.json())
    if error is not None and error.status in (TOO_MANY, UNAVAILABLE):
        return refused(response._replace(status=error.status), *secrets)
    message = error_text(response, *secrets)
    proxy = through_proxy(response.address)
    return GatewayError(
        f"{response.address}: its response makes no sense ({message}){proxy}: {_CHECK}"
    )


def error_text(response: HttpResponse, *secrets: str) -> str:
    """Return in a few words what the body says, without the secrets that it may repeat."""
    text = masked(response.body.decode("utf-8", "surrogateescape"), secrets)
    detail = _detail(text)
    return describe(text.encode("utf-8", "surrogateescape")) if detail is None else detail


def wait_seconds(response: HttpResponse) -> float:
    text = response.retry_after
    wait = float(text) if text.isascii() and text.isdigit() else 1.0
    return min(wait, LONGEST_WAIT)


def _detail(text: str) -> str | None:
    """Return a server's own words as one short line: `detail`, `msg` or `error`."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    detail = content.get("detail") or content.get("msg") or content.get("error")
    return one_line(detail) if isinstance(detail, str) else None
