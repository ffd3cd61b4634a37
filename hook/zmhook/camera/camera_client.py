"""Send requests to a camera's HTTP API.

The login is by digest (RFC 7616); basic only where the camera offers nothing else and the
connection is encrypted, or where it is asked for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import json
from requests.auth import HTTPDigestAuth

from zmhook.errors import CameraError
from zmhook.net.http import Auth, HttpClient, HttpResponse, basic
from zmhook.net.http_problem import HttpFailure, HttpProblem
from zmhook.printable import one_line
from zmhook.settings.section import Secret
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.text.redact import masked

SECONDS = 10.0
MAX_BODY = 4 * 1024 * 1024
_LONGEST_TEXT = 200

WRONG, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404

_ADVICE = {
    HttpFailure.ADDRESS: "check --host",
    HttpFailure.NAME: "check --host and this machine's DNS",
    HttpFailure.REFUSED: "is the port right, does it want --https?",
    HttpFailure.CERTIFICATE: "cameras make their own; --insecure accepts it",
    HttpFailure.TLS: "does that port speak https? Without --https it is asked by http",
    HttpFailure.PROTOCOL: "is the port right, does it want --https?",
    HttpFailure.TOO_LARGE: "is this the camera?",
    HttpFailure.TIMEOUT: "is it on, and is the address right?",
    HttpFailure.UNREACHABLE: "is it on, and is the address right?",
}


class CameraResponse(NamedTuple):
    """The status that a camera answered with, and the JSON object of its body (None: no JSON)."""

    url: str
    status: int
    content: dict[str, Any] | None


class CameraLogin(NamedTuple):
    """A camera's user, and whether the password may be sent in a way that others can read."""

    user: str
    password: Secret
    basic: bool = False


class CameraClient:
    """A session with a camera at `base`, such as `https://192.0.2.7`."""

    def __init__(
        self, base: str, login: CameraLogin, *, verify: bool = True, seconds: float = SECONDS
    ) -> None:
        self.base = base
        self._login = login
        self._seconds = seconds
        self._client = HttpClient(
            limit=MAX_BODY, verify=verify, connect_seconds=seconds, compressed=True
        )
        self._secrets = [login.password.reveal()]
        self._is_digest = True
        self._auth: Auth = HTTPDigestAuth(login.user, login.password.reveal())

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> CameraResponse:
        """Return the response. Raises `CameraError`: no login, no response, no API.

        A status of 404 and the camera's own errors are left to the caller.
        """
        url = self.base + path
        response = self._logged_in(method, url, body)
        if response.status == FORBIDDEN:
            raise CameraError(
                f"{url}: the user '{self._login.user}' may not do that: the camera's API needs one "
                "of its administrators"
            )
        if response.location:
            raise CameraError(f"{url}: {_redirected(response.location)}")
        return CameraResponse(url, response.status, _content(response, url))

    def masked(self, text: object) -> str:
        """Return a text of the camera's as it may be shown: short, on one line, no password."""
        return one_line(masked(str(text), self._secrets), _LONGEST_TEXT)

    def hide(self, secret: str) -> None:
        """Mask one more secret in the camera's texts."""
        self._secrets.append(secret)

    def close(self) -> None:
        self._client.close()

    def _logged_in(self, method: str, url: str, body: dict[str, Any] | None) -> HttpResponse:
        response = self._send(method, url, body)
        if response.status == UNAUTHORIZED and self._offers_only_basic(response):
            self._choose_basic(url)
            response = self._send(method, url, body)
        if response.status == UNAUTHORIZED:
            raise CameraError(
                f"{url}: the camera refuses the user '{self._login.user}' or the password"
            )
        return response

    def _offers_only_basic(self, response: HttpResponse) -> bool:
        offered = response.headers.get("WWW-Authenticate", "").lower()
        return self._is_digest and "basic" in offered and "digest" not in offered

    def _choose_basic(self, url: str) -> None:
        if not (self._login.basic or url.startswith("https:")):
            raise CameraError(
                f"{url}: the camera offers only a login that sends the password readable: use"
                " --https, or --basic to do so"
            )
        self._is_digest = False
        self._auth = basic(self._login.user, self._login.password.reveal())

    def _send(self, method: str, url: str, body: dict[str, Any] | None) -> HttpResponse:
        # Twice the time, for a login by digest takes two requests.
        seconds = 2 * self._seconds
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        data = None if body is None else json.encode(body)
        self._check_user(url)
        try:
            return self._client.request(
                method, url, seconds, auth=self._auth, headers=headers, data=data
            )
        except HttpProblem as problem:
            raise CameraError(f"{url}: {problem.with_advice(_ADVICE)}") from None

    def _check_user(self, url: str) -> None:
        try:
            self._login.user.encode("utf-8" if not self._is_digest else "latin-1")
        except UnicodeEncodeError:
            raise CameraError(
                f"{url}: the user name has characters that such a login cannot send"
            ) from None


def _content(response: HttpResponse, url: str) -> dict[str, Any] | None:
    try:
        content = decoded(response.body)
    except Unreadable:
        content = None
    if isinstance(content, dict):
        return content
    if response.status < WRONG and response.body:
        raise CameraError(f"{url}: {_no_json(response.body)}: is this an Axis camera's address?")
    return None


def _no_json(body: bytes) -> str:
    if body.lstrip()[:1] == b"<":
        return "answers with a web page where JSON was expected"
    return "answers with something that is no JSON object"


def _redirected(location: str) -> str:
    if location.startswith("https:"):
        return "the camera wants https: use --https"
    return "the camera sends us elsewhere: is this its own address?"
