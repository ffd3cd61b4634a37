"""Certificates of a server on this machine: of today, expired, and soon to be."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from socket import create_server
from threading import Thread

import pytest

from zmhook.doctor.certificates import Server, check, server_of

NOW = datetime.now(timezone.utc)


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Start a server whose certificate is signed by nobody we know, with these dates."""
    import trustme

    with ExitStack() as stack:

        def start(**dates: datetime) -> Server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trustme.CA().issue_cert("127.0.0.1", **dates).configure_cert(context)
            listening = stack.enter_context(create_server(("127.0.0.1", 0)))

            def serve() -> None:
                while True:
                    try:
                        plain, _ = listening.accept()
                        context.wrap_socket(plain, server_side=True).close()
                    except ssl.SSLError:
                        continue
                    except OSError:
                        return

            Thread(target=serve, daemon=True).start()
            return Server("127.0.0.1", listening.getsockname()[1])

        yield start


def test_one_of_today(server):
    finding = check(server(not_after=NOW + timedelta(days=300)), "renew it")
    assert finding.state == "ok"
    assert "valid until 2" in finding.text


def test_an_expired_one(server):
    dates = {"not_before": NOW - timedelta(days=90), "not_after": NOW - timedelta(days=2)}
    finding = check(server(**dates), "renew it")
    assert finding.state == "fault"
    assert "certificate has expired" in finding.text
    assert finding.cure == "renew it"


def test_one_that_ends_soon(server):
    finding = check(server(not_after=NOW + timedelta(days=3)), "renew it")
    assert (finding.state, finding.cure) == ("warning", "renew it")
    assert "expires on " in finding.text


def test_one_of_tomorrow(server):
    dates = {"not_before": NOW + timedelta(days=2), "not_after": NOW + timedelta(days=90)}
    assert check(server(**dates), "").state == "fault"


def test_no_tls(endpoint):
    host, port = endpoint.place.split(":")
    finding = check(Server(host, int(port)), "")
    assert finding.state == "fault"
    assert "no TLS connection" in finding.text


def test_addresses():
    assert server_of("https://zm.example.org/zm") == Server("zm.example.org", 443)
    assert server_of("https://[::1]:8443/") == Server("::1", 8443)
    assert server_of("http://zm") is None
    assert server_of("https://a:b/") is None
