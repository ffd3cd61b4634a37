"""Which chains of a worker are the same, where models are on other machines."""

from __future__ import annotations

from zmhook.service.worker import _models_key
from zmhook.settings.model import to_plain


def key(
    configured, gateway: str = "http://gpu", portal: str = "http://zm/zm", **remote: str
) -> str:
    return _models_key(to_plain(configured(gateway, general={"portal": portal}, **remote)))


def test_other_gateways_are_another_chain(configured) -> None:
    assert key(configured) != key(configured, "http://nas")
    assert key(configured) == key(configured, portal="http://zm2/zm")


def test_another_portal_is_another_chain_where_its_addresses_are_sent(configured) -> None:
    one, two = (
        key(configured, portal=portal, ml_gateway_mode="url") for portal in ("http://a", "http://b")
    )
    assert one != two
