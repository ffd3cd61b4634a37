"""Who is connected to a server, from the moment that a connection is accepted.

The number of connections is limited, in all and from one address. Untrusted connections (nobody
has logged in yet) make room for new ones, the oldest first, and end after `UNTRUSTED_SECONDS`.
Trusted ones are never closed to make room.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import resource
import socket
import struct
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNTRUSTED_SECONDS = 10.0
"""An untrusted connection ends after this, whatever it does."""
LONGEST_ADDRESS = 64
LONGEST_FORWARDED = 1024
_UCRED = struct.Struct("iII")
"""`struct ucred` of unix(7): process, user, group."""


class ConnectionLimits(NamedTuple):
    """How many connections there may be, in all and from one address.

    `proxies` are the addresses whose X-Forwarded-For is believed. `files_share` limits connections
    to one in so many of the files that the process may open.
    """

    most: int = 512
    each: int = 128
    proxies: tuple[str, ...] = ()
    files_share: int = 4


class ClientConnection:
    """One connection. `task` serves it; `uid` is the user at the other end of a unix socket."""

    def __init__(self, table: ConnectionTable, accepted: socket.socket, address: str) -> None:
        self.address = address
        self.network = network_of(address)
        self.uid = _uid(accepted)
        self.task: asyncio.Task[None] | None = None
        self.is_trusted = False
        self.has_ended = False
        self._table = table
        self._socket = accepted
        self._timer: asyncio.TimerHandle | None = None
        self.distrust()

    def client_address(self, forwarded: str) -> str:
        """Return the client's address; `forwarded` is what a proxy says about it."""
        return original_client(self.address, forwarded, self._table.limits().proxies)

    def trust(self) -> None:
        """Note that the client has shown that it may ask."""
        if self.has_ended or self.is_trusted:
            return
        self.is_trusted = True
        self._stop_timer()
        self._table.sort(self)

    def distrust(self) -> None:
        """Wait for the client to show that it may ask: at first, and when its token has expired."""
        if self.has_ended or self._timer:
            return
        self.is_trusted = False
        self._timer = asyncio.get_running_loop().call_later(UNTRUSTED_SECONDS, self.end)
        self._table.sort(self)

    def end(self) -> None:
        """Close the connection at once, even in the middle of a TLS handshake."""
        self.leave()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self.task:
            self.task.cancel()

    def leave(self) -> None:
        """Stop counting this connection."""
        self.has_ended = True
        self._stop_timer()
        self._table.remove(self)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class ConnectionTable:
    """All connections of one server."""

    def __init__(self, limits: Callable[[], ConnectionLimits] = ConnectionLimits) -> None:
        self.limits = limits
        self.evicted = 0
        self.refused = 0
        self._untrusted: dict[ClientConnection, None] = {}  # the oldest first
        self._trusted: dict[ClientConnection, None] = {}
        self._each: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._untrusted) + len(self._trusted)

    def __iter__(self) -> Iterator[ClientConnection]:
        return iter([*self._untrusted, *self._trusted])

    def add(self, accepted: socket.socket, address: str) -> ClientConnection | None:
        """Count a new connection; None when there is no room and none can be made."""
        limits, network = self.limits(), network_of(address)
        is_network_full = self._each[network] >= limits.each and not is_proxy(
            address, limits.proxies
        )
        if is_network_full and not self._evict(network):
            self.refused += 1
            return None
        most = min(limits.most, most_by_files(limits.files_share))
        if len(self) >= most and not self._evict(""):
            self.refused += 1
            return None
        connection = ClientConnection(self, accepted, address)
        self._each[network] += 1
        return connection

    def make_room(self) -> bool:
        """Close an untrusted connection, for example when no more files can be opened."""
        return self._evict("")

    def sort(self, connection: ClientConnection) -> None:
        """Put a connection among the trusted or the untrusted ones."""
        self._untrusted.pop(connection, None)
        self._trusted.pop(connection, None)
        (self._trusted if connection.is_trusted else self._untrusted)[connection] = None

    def remove(self, connection: ClientConnection) -> None:
        if connection in self._untrusted or connection in self._trusted:
            self._untrusted.pop(connection, None)
            self._trusted.pop(connection, None)
            self._each[connection.network] -= 1
            self._each += Counter()  # drops those that are down to zero

    def end_trusted(self) -> None:
        """Close all trusted connections."""
        for connection in list(self._trusted):
            connection.end()

    def _evict(self, network: str) -> bool:
        """Close the oldest untrusted connection of a network, or of the one that has most."""
        if not network:
            counts = Counter(connection.network for connection in self._untrusted)
            network = counts.most_common(1)[0][0] if counts else ""
        oldest = next((each for each in self._untrusted if each.network == network), None)
        if oldest is None:
            return False
        self.evicted += 1
        oldest.end()
        return True


def most_by_files(share: int) -> int:
    """Return how many connections the limit of open files allows: one file in `share`."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, most // share) if most > 0 else 1 << 20


def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    ip = _parse_ip(address)
    if ip is None:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def original_client(peer: str, forwarded: str, proxies: Sequence[str]) -> str:
    """Return the client's address when one of our proxies forwards its request.

    `forwarded` is X-Forwarded-For, to which each proxy appends the address it was asked from.
    Whatever stands left of the last address that is no proxy may be made up.
    """
    for part in reversed(forwarded[-LONGEST_FORWARDED:].split(",")):
        if not is_proxy(peer, proxies):
            break
        ip = _parse_ip(part.strip())
        if ip is None:
            break
        peer = str(ip)
    return peer


def is_proxy(address: str, proxies: Sequence[str]) -> bool:
    ip = _parse_ip(address) if proxies else None
    return ip is not None and any(ip in network for network in _networks(tuple(proxies)))


def _parse_ip(address: str) -> Address | None:
    try:
        ip = ipaddress.ip_address(address.partition("%")[0][:LONGEST_ADDRESS])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


@lru_cache(maxsize=8)
def _networks(proxies: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)


def _uid(accepted: socket.socket) -> int | None:
    if accepted.family == socket.AF_UNIX:
        with contextlib.suppress(OSError):
            credentials = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            return int(_UCRED.unpack(credentials)[1])
    return None
