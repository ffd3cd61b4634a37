"""HTTP to a camera, with a limit on everything: time, size, redirects. Imported when one is asked.

`requests` limits the time between two packets, not that of a request, so a request runs in a
thread that is waited for. Login is by digest (RFC 7616); basic only where the camera offers
nothing else and the connection is encrypted, or where it is asked for.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any, NamedTuple

from msgspec import json

from zmhook.errors import CameraError, MissingPart
from zmhook.net import proxies
from zmhook.net.authorities import use_system_store
from zmhook.net.timeout import Call, TooLongError, causes, limited
from zmhook.printable import one_line
from zmhook.settings.values import Secret
from zmhook.text.bounded_json import Unreadable, decoded
from zmhook.text.redact import masked

try:
    import requests
    import urllib3.exceptions
    from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
except ImportError:
    raise MissingPart("zmhook camera", "requests", "mqtt") from None


SECONDS = 10.0
MAX_BODY = 4 * 1024 * 1024
_SHOWN = 200

WRONG, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 400, 401, 403, 404


class Answer(NamedTuple):
    """What the camera answered: its status, and the JSON object of its body (None: no JSON)."""

    url: str
    status: int
    content: dict[str, Any] | None


class Login(NamedTuple):
    """Who asks, and whether the password may be sent in a way that others can read."""

    user: str
    password: Secret
    basic: bool = False


class Http:
    """A session with a camera at `base`, such as `https://192.0.2.7`."""

    def __init__(
        self, base: str, login: Login, *, verify: bool = True, seconds: float = SECONDS
    ) -> None:
        self.base = base
        self._login = login
        self._verify = verify
        self._seconds = seconds
        use_system_store()
        self._session = requests.Session()
        self._session.hooks["response"].append(limited(MAX_BODY))
        self._secrets = [login.password.reveal()]
        self._auth: AuthBase = HTTPDigestAuth(login.user, login.password.reveal())
        if not verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Return the answer, read to its end. Raises `CameraError`: no login, no answer, no API.

        A status of 404 and the camera's own errors are left to the caller.
        """
        url = self.base + path
        answer = self._logged_in(method, url, body)
        if answer.status_code == FORBIDDEN:
            raise CameraError(
                f"{url}: the user '{self._login.user}' may not do that: the camera's API needs one "
                "of its administrators"
            )
        if answer.is_redirect:
            raise CameraError(f"{url}: {_redirected(answer.headers.get('Location', ''))}")
        return Answer(url, answer.status_code, _content(answer, url))

    def masked(self, text: object) -> str:
        """Return a text of the camera's as it may be shown: short, on one line, no password."""
        return one_line(masked(str(text), self._secrets), _SHOWN)

    def hide(self, secret: str) -> None:
        """Mask one more text in whatever the camera says."""
        self._secrets.append(secret)

    def close(self) -> None:
        self._session.close()

    def _logged_in(self, method: str, url: str, body: dict[str, Any] | None) -> requests.Response:
        answer = self._sent(method, url, body)
        if answer.status_code == UNAUTHORIZED and self._only_basic(answer):
            self._choose_basic(url)
            answer = self._sent(method, url, body)
        if answer.status_code == UNAUTHORIZED:
            raise CameraError(
                f"{url}: the camera refuses the user '{self._login.user}' or the password"
            )
        return answer

    def _only_basic(self, answer: requests.Response) -> bool:
        offered = answer.headers.get("WWW-Authenticate", "").lower()
        digest = isinstance(self._auth, HTTPDigestAuth)
        return digest and "basic" in offered and "digest" not in offered

    def _choose_basic(self, url: str) -> None:
        if not (self._login.basic or url.startswith("https:")):
            raise CameraError(
                f"{url}: the camera offers only a login that sends the password readable: use"
                " --https, or --basic to do so"
            )
        # As bytes, since requests would take text for latin-1.
        self._auth = HTTPBasicAuth(
            self._login.user.encode(), self._login.password.reveal().encode()
        )

    def _sent(self, method: str, url: str, body: dict[str, Any] | None) -> requests.Response:
        what: dict[str, Any] = {
            "method": method,
            "url": url,
            "auth": self._auth,
            "data": None if body is None else json.encode(body),
            "headers": {"Content-Type": "application/json", "Accept": "application/json"},
            "timeout": self._seconds,
            "verify": self._verify,
            "allow_redirects": False,
        }
        call = Call(lambda: self._session.request(**what))
        # Two time-outs, for the login takes two requests.
        call.join(2 * self._seconds)
        if call.answer is not None:
            return call.answer
        found = list(causes(call.error))
        why = proxies.trouble(url, found) or _explained(found, self._seconds)
        raise CameraError(f"{url}: {why}")


def _content(answer: requests.Response, url: str) -> dict[str, Any] | None:
    try:
        content = decoded(answer.content)
    except Unreadable:
        content = None
    if isinstance(content, dict):
        return content
    if answer.status_code < WRONG and answer.content:
        raise CameraError(f"{url}: {_no_json(answer.content)}: is this an Axis camera's address?")
    return None


def _no_json(body: bytes) -> str:
    if body.lstrip()[:1] == b"<":
        return "answers with a web page where JSON was expected"
    return "answers with something that is no JSON object"


def _redirected(location: str) -> str:
    if location.startswith("https:"):
        return "the camera wants https: use --https"
    return "the camera sends us elsewhere: is this its own address?"


# What went wrong → what to say. The first that fits is said.
_PLAIN: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((TooLongError,), f"answers with more than {MAX_BODY >> 20} MB: is this the camera?"),
    ((socket.gaierror,), "its host name cannot be resolved: check --host and this machine's DNS"),
    ((ConnectionRefusedError,), "refuses the connection: is the port right, does it want --https?"),
    ((ConnectionResetError, ssl.SSLEOFError), "closed the connection before it had answered"),
    (
        (urllib3.exceptions.ProtocolError, urllib3.exceptions.HeaderParsingError),
        "what it answers is not HTTP: is the port right, does it want --https?",
    ),
    ((UnicodeError,), "the user name has characters that such a login cannot send"),
    ((ValueError,), "is not an address that can be asked: check --host"),
)


def _explained(found: list[BaseException], seconds: float) -> str:
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate cannot be verified ({cause.verify_message.strip(' .')}): cameras"
                " make their own; --insecure accepts it"
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return "TLS failed: does that port speak https? Without --https it is asked by http"
    for kinds, text in _PLAIN:
        if any(isinstance(cause, kinds) for cause in found):
            return text
    reasons = [cause.strerror for cause in found if isinstance(cause, OSError) and cause.strerror]
    if reasons:
        return f"cannot be reached ({reasons[0]})"
    # Last, since urllib3 takes every failed connection for one that was late.
    if not found or any(isinstance(cause, _LATE) for cause in found):
        return f"no complete answer within {seconds:.3g} s: is it on, and is the address right?"
    return f"cannot be asked ({type(found[0]).__name__})"


_LATE = (TimeoutError, urllib3.exceptions.TimeoutError)
