"""What is said of failures, those included that a test cannot bring about everywhere."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from zmhook.net.http import HttpClient
from zmhook.net.http_problem import (
    Compressed,
    HttpFailure,
    HttpProblem,
    TooLarge,
    iter_causes,
    problem_of,
    proxy_of,
)
from zmhook.process.limits import TooManyPending

URL = "http://user:hidden@zm.example/zm/index.php?token=hidden"


def wrapped(cause: BaseException) -> requests.ConnectionError:
    """As requests and urllib3 hide what the system said."""
    refused = NewConnectionError(None, f"Failed: {URL}")  # type: ignore[arg-type]
    refused.__cause__ = cause
    return requests.ConnectionError(MaxRetryError(None, URL, refused))  # type: ignore[arg-type]


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError()
    error.verify_message = "self-signed certificate"
    return error


class RemoteProtocolError(Exception):
    """As httpx calls it."""


class ReadTimeout(Exception):
    """As httpx and requests call it."""


class ConnectTimeoutError(Exception):
    """As urllib3 calls it."""


@pytest.mark.parametrize(
    ("error", "failure", "reason", "retry"),
    [
        (
            wrapped(OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))),
            "UNREACHABLE",
            "cannot be reached (Network is unreachable)",
            True,
        ),
        (wrapped(ConnectionRefusedError(111, "x")), "REFUSED", "refused the connection", True),
        (wrapped(socket.gaierror(socket.EAI_AGAIN, "x")), "NAME", "cannot be resolved", True),
        (wrapped(socket.gaierror(socket.EAI_NONAME, "x")), "NAME", "cannot be resolved", False),
        (wrapped(TimeoutError("timed out")), "TIMEOUT", "no complete response within 7 s", True),
        (ReadTimeoutError(None, URL, "x"), "TIMEOUT", "within 7 s", True),  # type: ignore[arg-type]
        (ReadTimeout("x"), "TIMEOUT", "within 7 s", True),
        (TimeoutError(), "TIMEOUT", "within 7 s", True),
        (wrapped(ConnectTimeoutError()), "UNREACHABLE", "no connection within 3 s", True),
        (
            requests.ConnectionError(ProtocolError(URL, ConnectionResetError(104, "x"))),
            "CLOSED",
            "closed the connection",
            True,
        ),
        (RemoteProtocolError("x"), "CLOSED", "closed the connection", True),
        (ProtocolError(URL), "PROTOCOL", "is not HTTP", False),
        (requests.exceptions.InvalidURL(URL), "ADDRESS", "is not a complete", False),
        (requests.exceptions.InvalidHeader(URL), "OTHER", "(InvalidHeader)", False),
        (requests.exceptions.SSLError(ssl.SSLError(1, URL)), "TLS", "TLS failed (no", False),
        (requests.exceptions.SSLError(ssl.SSLEOFError(8, URL)), "CLOSED", "closed the", True),
        (wrapped(certificate_error()), "CERTIFICATE", "(self-signed certificate)", False),
        (TooLarge(), "TOO_LARGE", "has more than 9 bytes", False),
        (Compressed(), "COMPRESSED", "compressed", False),
        (TooManyPending(), "PENDING", "earlier requests have not ended", True),
        (RuntimeError(URL), "OTHER", "the request failed (RuntimeError)", False),
    ],
    ids=lambda value: None if isinstance(value, bool | str) else type(value).__name__,
)
def test_one_line_without_secrets(error: Exception, failure: str, reason: str, retry: bool) -> None:
    problem = problem_of(error, URL, seconds=7, connect_seconds=3, limit=9)
    assert problem.failure is HttpFailure[failure]
    assert reason in problem.reason
    assert problem.retry is retry
    assert str(problem) == f"http://zm.example/zm/index.php: {problem.reason}"
    assert "hidden" not in str(problem)
    assert "\n" not in str(problem)


def test_advice_is_added_where_there_is_some() -> None:
    advice = {HttpFailure.REFUSED: "does it run?"}
    assert HttpProblem("http://h", HttpFailure.REFUSED).with_advice(advice) == (
        "refused the connection: does it run?"
    )
    assert HttpProblem("http://h", HttpFailure.TLS).with_advice(advice) == "TLS failed"


def test_a_reason_may_lie_deeper() -> None:
    outer = RuntimeError("to https://here?key=AIza-key")
    outer.__cause__ = ConnectionRefusedError(111, "refused")
    for error in (outer, RuntimeError(outer)):
        problem = problem_of(error, "http://here", seconds=2)
        assert problem.failure is HttpFailure.REFUSED
        assert "AIza" not in str(problem)


def test_causes_are_followed_through_every_attribute() -> None:
    inner, outer = OSError("inner"), ValueError(KeyError("argument"))
    outer.__cause__ = inner
    assert [type(cause) for cause in iter_causes(outer)] == [ValueError, OSError, KeyError]
    assert list(iter_causes(None)) == []


def test_causes_in_a_circle_end() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert 2 <= len(list(iter_causes(first))) <= 20


NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "name", "value", "found"),
    [
        (
            "http://zm/zm",
            "http_proxy",
            "http://p:9",
            "the proxy http://p:9, which http_proxy names",
        ),
        (
            "https://zm",
            "HTTPS_PROXY",
            "http://p:9",
            "the proxy http://p:9, which HTTPS_PROXY names",
        ),
        ("https://zm", "all_proxy", "http://p:9", "the proxy http://p:9, which all_proxy names"),
        (
            "http://zm",
            "http_proxy",
            "http://u:secret@p:9",
            "the proxy http://p:9, which http_proxy",
        ),
        ("https://zm", "http_proxy", "http://p:9", ""),
        ("http://[", "http_proxy", "http://p:9", ""),
    ],
)
def test_its_address_and_the_variable(monkeypatch, url, name, value, found) -> None:
    monkeypatch.setenv(name, value)
    assert proxy_of(url).startswith(found)
    assert bool(proxy_of(url)) == bool(found)
    assert "secret" not in proxy_of(url)


def test_a_host_that_is_exempt_has_none(monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://p:9")
    monkeypatch.setenv("no_proxy", "zm,.lan")
    assert proxy_of("http://zm:8080/zm") == proxy_of("http://a.lan/") == ""


def test_what_goes_wrong_behind_a_proxy_names_it(monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:secret@p:9")
    problem = problem_of(TimeoutError(), "http://zm/zm", seconds=5)
    proxy = "(asked through the proxy http://p:9, which http_proxy names)"
    assert str(problem) == f"http://zm/zm: no complete response within 5 s {proxy}"
    assert "proxy" not in str(problem_of(TimeoutError(), "https://zm/zm", seconds=5))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_portal_behind_a_proxy_that_is_not_there(monkeypatch, nobody: str, scheme: str) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://{nobody}")
    with pytest.raises(HttpProblem) as caught:
        HttpClient(limit=9).request("GET", f"{scheme}://zm.example/zm", 30)
    assert caught.value.failure is HttpFailure.PROXY
    assert caught.value.retry
    assert f"the proxy http://{nobody}, which {scheme}_proxy names, refused" in str(caught.value)


def test_a_portal_that_is_not_there_is_no_fault_of_a_proxy(monkeypatch, nobody: str) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(HttpProblem) as caught:
        HttpClient(limit=9).request("GET", f"http://{nobody}/zm", 30)
    assert caught.value.failure is HttpFailure.REFUSED


def test_what_other_libraries_raise(monkeypatch) -> None:
    monkeypatch.setenv("https_proxy", "http://p:9")

    def reason(error: Exception, url: str = "https://model.example/v1") -> str:
        return problem_of(error, url, seconds=1).reason

    assert "which https_proxy names, refused" in reason(ConnectionRefusedError())
    tunnel = OSError("Tunnel connection failed: 403 Forbidden")
    assert "does not let us through" in reason(tunnel)
    late = "no complete response within 1 s (asked through the proxy http://p:9, which"
    assert reason(TimeoutError()).startswith(late)
    assert "proxy" not in reason(ConnectionRefusedError(), "http://model.example")
