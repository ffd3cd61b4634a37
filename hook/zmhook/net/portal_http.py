"""HTTP with a limit on everything: time, size, redirects. Imported only when a portal is asked.

`requests` limits the time between two packets, not the time of a request: a server that sends a
byte now and then is never given up. So a request runs in a thread that is waited for.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions
from requests.auth import HTTPBasicAuth

from zmhook.errors import PortalError
from zmhook.net import proxies
from zmhook.net.authorities import use_system_store
from zmhook.net.timeout import Call, TooLongError, causes, limited
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY = 64 * 1024 * 1024

_TIMEOUTS = (TimeoutError, urllib3.exceptions.TimeoutError)
_UNKNOWN_HOST = "its host name cannot be resolved: check [general] portal and this machine's DNS"
_TOO_SLOW = "is the address right, and the server not overloaded? ([general] portal_timeout)"

# It logs the addresses of requests, and ours hold the token.
logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)


class Web:
    """A session with a web server; the connection is kept open between requests."""

    def __init__(self, basic: tuple[str, str] | None, *, verify: bool) -> None:
        use_system_store()
        self.verify = verify
        self._session = requests.Session()
        self._session.hooks["response"].append(limited(MAX_BODY))
        if basic:
            # As bytes, since requests would take text for latin-1.
            self._session.auth = HTTPBasicAuth(basic[0].encode(), basic[1].encode())
        if not verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def request(
        self, method: str, url: str, seconds: float, data: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Return the answer, whatever its status, read to its end within `seconds`.

        Redirects are not followed. Raises `PortalError`, which names the address.
        """
        # verify goes with each request: on the session an environment variable would win over it.
        call = Call(
            lambda: self._session.request(
                method,
                url,
                data=data,
                timeout=seconds,
                verify=self.verify,
                allow_redirects=False,
            )
        )
        call.join(seconds)
        if call.answer is not None:
            return call.answer
        found = list(causes(call.error))
        proxy = proxies.trouble(url, found)
        text, retry = (proxy, True) if proxy else _explain(found, seconds)
        raise PortalError(f"{shown(url)}: {text}", retry=retry)

    def close(self) -> None:
        self._session.close()


# What went wrong → what to say, and whether asking again may help. The first that fits is said.
_PLAIN: tuple[tuple[tuple[type[BaseException], ...], str, bool], ...] = (
    (
        (ConnectionRefusedError,),
        "refused the connection: is the web server running, and the port right?",
        True,
    ),
    ((TooLongError,), f"sent more than {MAX_BODY} bytes: is that address ZoneMinder's?", False),
    (
        (ConnectionError, http.client.IncompleteRead, ssl.SSLEOFError),
        "closed the connection before its answer was complete",
        True,
    ),
    (
        (http.client.HTTPException, urllib3.exceptions.ProtocolError),
        "what it answers is not HTTP: is the port right?",
        False,
    ),
    (
        (ValueError,),
        "is not an address that can be asked: expected http://host/zm or https://host/zm",
        False,
    ),
)


def _explain(found: list[BaseException], seconds: float) -> tuple[str, bool]:
    """Say what went wrong, and whether asking again may help.

    The libraries' own texts are not shown, for they hold the address with the token.
    """
    for cause in found:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return _explain_tls(cause), False
        if isinstance(cause, socket.gaierror):
            return _UNKNOWN_HOST, cause.errno == socket.EAI_AGAIN
    for kinds, text, retry in _PLAIN:
        if any(isinstance(cause, kinds) for cause in found):
            return text, retry
    reasons = [cause.strerror for cause in found if isinstance(cause, OSError) and cause.strerror]
    if reasons:
        return f"cannot be reached ({reasons[0]})", True
    # Last, since urllib3 takes every failed connection for one that was late.
    if not found or any(isinstance(cause, _TIMEOUTS) for cause in found):
        return f"no complete answer within {seconds:.3g} s: {_TOO_SLOW}", True
    return f"cannot be asked ({type(found[0]).__name__})", False


def _explain_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate cannot be verified ({error.verify_message.strip(' .')}):"
            " install its authority on this machine, or set [general] allow_self_signed = yes if"
            " that is to be expected"
        )
    reason = (getattr(error, "reason", None) or "no reason given").replace("_", " ").lower()
    return f"TLS failed ({reason}): does that port speak https?"
