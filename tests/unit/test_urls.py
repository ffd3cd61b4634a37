from __future__ import annotations

import pytest

from zmhook.urls import shown, with_query


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "https://user:pass@zm.example:8443/zm/index.php?token=abc#x",
            "https://zm.example:8443/zm/index.php",
        ),
        ("/zm/index.php?view=login", "/zm/index.php"),
        ("http://[::1]/zm?token=abc", "http://[::1]/zm"),
        ("http://[broken?token=abc", "the portal"),
        ("", ""),
    ],
)
def test_what_is_shown_holds_no_secret(url: str, expected: str) -> None:
    assert shown(url) == expected


def test_with_query() -> None:
    assert with_query("http://zm/x", "token=a") == "http://zm/x?token=a"
    assert with_query("http://zm/x?y=1", "token=a") == "http://zm/x?y=1&token=a"
    assert with_query("http://zm/x", "") == "http://zm/x"
