"""Whose an address is: what counts for one machine, and which machines pass on for others."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST = 64


def network(address: str) -> str:
    """Return for whom an address counts: whoever has one of IPv6 has 2^64 of them."""
    found = _read(address)
    if found is None:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def passed_on(peer: str, forwarded: str, proxies: Sequence[str]) -> str:
    """Return who asks, where a proxy of ours passes a request on.

    `forwarded` is X-Forwarded-For, in which each proxy adds at the right whom it was asked by.
    What stands to the left of the last stranger may be made up.
    """
    for part in reversed(forwarded[-1024:].split(",")):
        if not is_proxy(peer, proxies):
            break
        found = _read(part.strip())
        if found is None:
            break
        peer = str(found)
    return peer


def is_proxy(address: str, proxies: Sequence[str]) -> bool:
    found = _read(address) if proxies else None
    return found is not None and any(found in one for one in _networks(tuple(proxies)))


def _read(address: str) -> Address | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0][:LONGEST])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one, strict=False) for one in proxies)
