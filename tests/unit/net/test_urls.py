from __future__ import annotations

import pytest

from zmhook.net.urls import shown, with_query


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://user:pass@zm.example:8443/zm/index.php?token=abc#x",
            "https://zm.example:8443/zm/index.php",
        ),
        ("/zm/index.php?view=login", "/zm/index.php"),
        ("http://[::1]/zm?token=abc", "http://[::1]/zm"),
        ("http://[broken?token=abc", "an address that cannot be read"),
        ("http://zm/login/user=a&pass=b/x", "http://zm/login/…/x"),
        ("user=a&pass=b", "…"),
        ("/zm/pass%3Db", "/zm/…"),
        ("/zm/pass%253Db", "/zm/…"),
        ("/zm/a%20b", "/zm/a%20b"),
        ("", ""),
    ],
)
def test_what_is_shown_holds_no_secret(url: str, expected: str) -> None:
    assert shown(url) == expected


def test_with_query() -> None:
    assert with_query("http://zm/x", "token=a") == "http://zm/x?token=a"
    assert with_query("http://zm/x?y=1", "token=a") == "http://zm/x?y=1&token=a"
    assert with_query("http://zm/x", "") == "http://zm/x"
