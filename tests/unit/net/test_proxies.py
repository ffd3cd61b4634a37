"""A proxy that does not work is named, and not what lies behind it."""

from __future__ import annotations

import socket

import pytest

from zmhook.net import proxies
from zmhook.net.http import HttpClient
from zmhook.net.http_problem import HttpFailure, HttpProblem, iter_causes

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
    assert proxies.named(url).startswith(found)
    assert bool(proxies.named(url)) == bool(found)
    assert "secret" not in proxies.named(url)


def test_a_host_that_is_exempt_has_none(monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://p:9")
    monkeypatch.setenv("no_proxy", "zm,.lan")
    assert proxies.named("http://zm:8080/zm") == proxies.named("http://a.lan/") == ""


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
    url = "https://model.example/v1"
    assert "which https_proxy names, refused" in proxies.trouble(url, [ConnectionRefusedError()])
    tunnel = OSError("Tunnel connection failed: 403 Forbidden")
    assert "does not let us through" in proxies.trouble(url, iter_causes(tunnel))
    assert proxies.trouble(url, [TimeoutError()]) == ""
    assert proxies.trouble("http://model.example", [ConnectionRefusedError()]) == ""
