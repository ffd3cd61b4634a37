"""Why an HTTP request got no complete response, in plain words without secrets.

The texts of the libraries are never shown, since they hold addresses with tokens in them.
"""

from __future__ import annotations

import os
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zmhook.errors import ZmhookError
from zmhook.net.urls import shown
from zmhook.process.limits import TooManyPending
from zmhook.text.unexpected import lacks_resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_CAUSES = 20
_TUNNEL = "tunnel connection failed"
_NEVER_MADE = ("ConnectTimeout", "NewConnection", "ConnectError", "NameResolution", "ProxyError")
_NO_WAY = {101, 113}  # ENETUNREACH, EHOSTUNREACH


class HttpFailure(Enum):
    """What kept a request from getting a complete response, and the words for it."""

    ADDRESS = "is not a complete http or https address"
    PROXY = "the proxy cannot be used"
    NAME = "its host name cannot be resolved"
    REFUSED = "refused the connection"
    UNREACHABLE = "cannot be reached"
    CERTIFICATE = "its certificate cannot be verified"
    TLS = "TLS failed"
    CLOSED = "closed the connection before its response was complete"
    PROTOCOL = "its response is not HTTP"
    TOO_LARGE = "its response is too large"
    COMPRESSED = "its response is compressed, which was not asked for"
    TIMEOUT = "no complete response in time"
    PENDING = "earlier requests have not ended yet"
    NO_TIME = "there was no time left for a request"
    OTHER = "the request failed"


_SHORT = {
    HttpFailure.ADDRESS: "no address",
    HttpFailure.NAME: "no network",
    HttpFailure.UNREACHABLE: "no network",
    HttpFailure.PROXY: "no connection",
    HttpFailure.REFUSED: "no connection",
    HttpFailure.CERTIFICATE: "no connection",
    HttpFailure.TLS: "no connection",
    HttpFailure.CLOSED: "no answer",
    HttpFailure.PROTOCOL: "no answer",
    HttpFailure.TIMEOUT: "no answer in time",
    HttpFailure.PENDING: "no answer in time",
    HttpFailure.NO_TIME: "no time left",
}
_WORTH_RETRYING = frozenset(
    {
        HttpFailure.PROXY,
        HttpFailure.REFUSED,
        HttpFailure.UNREACHABLE,
        HttpFailure.CLOSED,
        HttpFailure.TIMEOUT,
        HttpFailure.PENDING,
    }
)


class HttpProblem(ZmhookError):
    """A request got no complete response.

    `address` is where it went, without what may be secret in it; `retry` says whether another
    attempt may help, `lacks_resources` that this process has no memory or files left for it.
    """

    def __init__(
        self, address: str, failure: HttpFailure, reason: str = "", *, retry: bool | None = None
    ) -> None:
        self.address = address
        self.failure = failure
        self.reason = reason or failure.value
        self.retry = failure in _WORTH_RETRYING if retry is None else retry
        self.lacks_resources = False
        super().__init__(f"{address}: {self.reason}")

    @property
    def short(self) -> str:
        """The failure in a few words, without an address, for the detection string."""
        return _SHORT.get(self.failure, "answer not understood")

    def with_advice(self, advice: Mapping[HttpFailure, str]) -> str:
        """Return what went wrong, without the address, and the caller's advice for it."""
        hint = advice.get(self.failure)
        return f"{self.reason}: {hint}" if hint else self.reason


class TooLarge(Exception):
    """A body has more bytes than are read."""


class Compressed(Exception):
    """A body is compressed although that was not asked for."""


def problem_of(
    error: BaseException,
    url: str,
    *,
    seconds: float,
    connect_seconds: float | None = None,
    limit: int | None = None,
) -> HttpProblem:
    """Explain what `requests`, `httpx` or the standard library raised.

    `seconds` is the total time that there was, `connect_seconds` that for a connection, `limit`
    the bytes that a body may have. Raise the problem outside the `except` block: nothing of the
    library's error may hang on to it.
    """
    import socket
    import ssl

    causes = list(iter_causes(error))
    address = shown(url)
    if proxy := _proxy_problem(url, causes):
        return HttpProblem(address, HttpFailure.PROXY, proxy)
    if certificate := _first(causes, ssl.SSLCertVerificationError):
        why = certificate.verify_message.strip(" .")
        text = f"{HttpFailure.CERTIFICATE.value} ({why}){through_proxy(url)}"
        return HttpProblem(address, HttpFailure.CERTIFICATE, text)
    if name := _first(causes, socket.gaierror):
        return HttpProblem(address, HttpFailure.NAME, retry=name.errno == socket.EAI_AGAIN)
    if "ConnectTimeoutError" in _names(causes) and connect_seconds and connect_seconds < seconds:
        text = f"no connection within {connect_seconds:.3g} s{through_proxy(url)}"
        return HttpProblem(address, HttpFailure.UNREACHABLE, text)
    failure = _failure_of(causes)
    reason = _reason(failure, causes, seconds, limit)
    problem = HttpProblem(address, failure, f"{reason}{through_proxy(url)}")
    problem.lacks_resources = any(map(lacks_resources, causes))
    return problem


def iter_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those it was made from; the libraries hide them in several attributes."""
    waiting: list[object] = [error]
    for _ in range(_MAX_CAUSES):
        if not waiting:
            return
        cause = waiting.pop(0)
        if isinstance(cause, BaseException):
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
            waiting += cause.args


_NAMES = {
    "RemoteProtocolError": HttpFailure.CLOSED,  # httpx
    "ProtocolError": HttpFailure.PROTOCOL,  # urllib3
    "HeaderParsingError": HttpFailure.PROTOCOL,
}


def _failure_of(causes: list[BaseException]) -> HttpFailure:
    names = _names(causes)
    by_type = (failure for failure, types in _failures_by_type() if _first(causes, types))
    by_name = (failure for name, failure in _NAMES.items() if name in names)
    if failure := next(chain(by_type, by_name), None):
        return failure
    if any(_is_bad_address(cause) for cause in causes):
        return HttpFailure.ADDRESS
    if any(_strerror(cause) for cause in causes):
        return HttpFailure.UNREACHABLE
    # Last, since urllib3 takes every failed connection for a time-out.
    if any("Timeout" in name for name in names):
        return HttpFailure.TIMEOUT
    return HttpFailure.OTHER


def _failures_by_type() -> tuple[tuple[HttpFailure, tuple[type[BaseException], ...]], ...]:
    """Return failures with their types; the first that is among the causes counts."""
    # Imported where something failed, for a start must not pay for it.
    import http.client
    import ssl

    return (
        (HttpFailure.PENDING, (TooManyPending,)),
        (HttpFailure.REFUSED, (ConnectionRefusedError,)),
        (HttpFailure.TOO_LARGE, (TooLarge,)),
        (HttpFailure.COMPRESSED, (Compressed,)),
        (HttpFailure.CLOSED, (ConnectionError, http.client.IncompleteRead, ssl.SSLEOFError)),
        (HttpFailure.TLS, (ssl.SSLError,)),
        (HttpFailure.PROTOCOL, (http.client.HTTPException,)),
    )


def _reason(
    failure: HttpFailure, causes: list[BaseException], seconds: float, limit: int | None
) -> str:
    text = failure.value
    if failure is HttpFailure.TLS:
        reasons = (getattr(cause, "reason", None) for cause in causes)
        why = next((reason for reason in reasons if isinstance(reason, str)), "no reason given")
        return f"{text} ({why.replace('_', ' ').lower()})"
    if failure is HttpFailure.UNREACHABLE:
        return f"{text} ({next(filter(None, map(_strerror, causes)))})"
    if failure is HttpFailure.TIMEOUT:
        return f"no complete response within {seconds:.3g} s"
    if failure is HttpFailure.TOO_LARGE and limit is not None:
        return f"its response has more than {limit} bytes"
    if failure is HttpFailure.OTHER:
        return f"{text} ({type(causes[0]).__name__})"
    return text


def _first(
    causes: list[BaseException], types: type[BaseException] | tuple[type[BaseException], ...]
) -> Any:
    return next((cause for cause in causes if isinstance(cause, types)), None)


def _names(causes: list[BaseException]) -> set[str]:
    return {type(cause).__name__ for cause in causes}


def _is_bad_address(cause: BaseException) -> bool:
    kind = type(cause)
    is_theirs = kind.__module__.startswith(("requests.", "urllib3."))
    return is_theirs and isinstance(cause, ValueError) and kind.__name__ != "InvalidHeader"


def _strerror(cause: BaseException) -> str:
    return (isinstance(cause, OSError) and cause.strerror) or ""


def proxy_of(url: str) -> str:
    """Return the proxy for an address and the variable that names it; "" for none."""
    from urllib.request import getproxies_environment, proxy_bypass

    try:
        parts = urlsplit(url)
        proxies = getproxies_environment()
        key = next(name for name in (parts.scheme, "all") if proxies.get(name))
        if not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
            return ""
    except (ValueError, StopIteration):
        return ""
    name = f"{key}_proxy"
    variable = name if os.environ.get(name) else name.upper()
    address = proxies[key]
    where = shown(address if "://" in address else f"//{address}")
    return f"the proxy {where}, which {variable} names"


def through_proxy(url: str) -> str:
    """Return words that name the proxy for an address, to follow what went wrong; "" for none."""
    proxy = proxy_of(url)
    return f" (asked through {proxy})" if proxy else ""


def _proxy_problem(url: str, errors: list[BaseException]) -> str:
    """Say what is wrong with the proxy, when it is the proxy; "" when it is not.

    Through a proxy no other connection is made than the one to it, so one that was not made is its
    fault.
    """
    names = _names(errors)
    # These two say so themselves; what others raise is the same with a proxy and without.
    says_so = any(type(error).__module__.startswith(("urllib3", "requests")) for error in errors)
    if not ("ProxyError" in names if says_so else any(map(_is_of_connecting, errors))):
        return ""
    proxy = proxy_of(url)
    if not proxy:
        return ""
    return f"{proxy}, {_proxy_reason(errors)}: set that right, or add this host to no_proxy"


def _is_of_connecting(error: BaseException) -> bool:
    name = type(error).__name__
    is_early = (
        isinstance(error, ConnectionRefusedError)
        or name == "gaierror"
        or any(part in name for part in _NEVER_MADE)
    )
    return is_early or _TUNNEL in str(error).lower() or _errno(error) in _NO_WAY


def _errno(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def _proxy_reason(errors: list[BaseException]) -> str:
    for error in errors:
        if isinstance(error, ConnectionRefusedError):
            return "refused the connection"
        if type(error).__name__ == "gaierror":
            return "has a name that cannot be resolved"
        if _TUNNEL in str(error).lower():
            return "does not let us through"
    return "cannot be reached"
