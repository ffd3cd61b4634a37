"""Whose an address is."""

from __future__ import annotations

import pytest

from zmhook.server.addresses import is_proxy, network, passed_on


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_networks(address: str, whose: str) -> None:
    assert network(address) == whose


@pytest.mark.parametrize(
    ("forwarded", "proxies", "client"),
    [
        ("1.2.3.4", (), "10.0.0.5"),
        ("1.2.3.4", ("10.0.0.6",), "10.0.0.5"),
        ("1.2.3.4", ("10.0.0.5",), "1.2.3.4"),
        ("9.9.9.9, 1.2.3.4", ("10.0.0.5",), "1.2.3.4"),  # the first may be made up
        ("1.2.3.4, 10.0.0.9", ("10.0.0.0/24",), "1.2.3.4"),
        ("1.2.3.4, nonsense", ("10.0.0.5",), "10.0.0.5"),
        ("", ("10.0.0.5",), "10.0.0.5"),
        ("2001:db8::1", ("10.0.0.5",), "2001:db8::1"),
        ("x," * 100_000, ("10.0.0.5",), "10.0.0.5"),
    ],
)
def test_who_is_behind_a_proxy(forwarded: str, proxies: tuple[str, ...], client: str) -> None:
    assert passed_on("10.0.0.5", forwarded, proxies) == client


def test_which_are_proxies() -> None:
    assert is_proxy("::ffff:10.0.0.5", ("10.0.0.0/24",))
    assert not is_proxy("10.0.1.5", ("10.0.0.0/24", "2001:db8::/32"))
    assert not is_proxy("nonsense", ("10.0.0.0/24",))
