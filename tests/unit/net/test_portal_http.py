"""What is said of failures that a test cannot bring about everywhere."""

from __future__ import annotations

import errno
import os
import ssl

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from zmhook.errors import PortalError
from zmhook.net.portal_http import Web

URL = "http://user:hidden@zm.example/zm/index.php?token=hidden"


def said(monkeypatch: pytest.MonkeyPatch, error: Exception) -> PortalError:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(requests.Session, "request", fail)
    web = Web(None, verify=True)
    with pytest.raises(PortalError) as caught:
        web.request("GET", URL, 7.0)
    web.close()
    text = str(caught.value)
    assert text.startswith("http://zm.example/zm/index.php: ")
    assert "hidden" not in text
    assert "\n" not in text
    return caught.value


def wrapped(cause: BaseException) -> requests.ConnectionError:
    """As requests and urllib3 hide what the system said."""
    refused = NewConnectionError(None, f"Failed: {URL}")  # type: ignore[arg-type]
    refused.__cause__ = cause
    return requests.ConnectionError(MaxRetryError(None, URL, refused))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "text", "retry"),
    [
        (
            wrapped(OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))),
            "cannot be reached (Network is unreachable)",
            True,
        ),
        (wrapped(ConnectionRefusedError(111, "x")), "refused the connection", True),
        (wrapped(TimeoutError("timed out")), "no complete answer within 7 s", True),
        (ReadTimeoutError(None, URL, "x"), "no complete answer within 7 s", True),  # type: ignore[arg-type]
        (
            requests.ConnectionError(ProtocolError(URL, ConnectionResetError(104, "x"))),
            "closed the connection",
            True,
        ),
        (requests.exceptions.InvalidURL(URL), "is not an address", False),
        (requests.exceptions.SSLError(ssl.SSLError(1, URL)), "TLS failed", False),
        (requests.exceptions.SSLError(ssl.SSLEOFError(8, URL)), "closed the connection", True),
        (RuntimeError(URL), "cannot be asked (RuntimeError)", False),
    ],
    ids=lambda value: None if isinstance(value, bool | str) else type(value).__name__,
)
def test_one_line_without_the_token(
    monkeypatch: pytest.MonkeyPatch, error: Exception, text: str, retry: bool
) -> None:
    found = said(monkeypatch, error)
    assert text in str(found)
    assert found.retry is retry


def test_causes_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("a")
    error.__context__ = ValueError("b")
    error.__context__.__context__ = error
    assert "is not an address" in str(said(monkeypatch, error))
