"""Who is connected, from the moment that a connection is accepted.

There is room for so many from all and from one address. Strangers (nobody has logged in by the
connection) make room for newcomers, the oldest first, and are hung up on after `STRANGER_SECONDS`;
who is logged in makes room for nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from zmhook.server.addresses import is_proxy, network, passed_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STRANGER_SECONDS = 10.0
"""A connection by which nobody logs in ends after this, whatever it does."""
SHARE_OF_FILES = 4
"""At most one in so many open files of the process is a connection of another machine."""


class Limits(NamedTuple):
    """How many connections there may be, and which addresses pass on for others."""

    most: int = 512
    each: int = 128
    proxies: tuple[str, ...] = ()


class Connection:
    """One connection; `task` serves it."""

    def __init__(self, connections: Connections, accepted: socket.socket, address: str) -> None:
        self.address = address
        self.whose = network(address)
        self.task: asyncio.Task[None] | None = None
        self.is_logged_in = False
        self.has_ended = False
        self._connections = connections
        self._socket = accepted
        self._timer: asyncio.TimerHandle | None = None
        self.become_stranger()

    def client(self, forwarded: str) -> str:
        """Return the address of who asks; `forwarded` is what a proxy says of that."""
        return passed_on(self.address, forwarded, self._connections.limits().proxies)

    def log_in(self) -> None:
        """Note that whoever is there knows the password."""
        if self.has_ended or self.is_logged_in:
            return
        self.is_logged_in = True
        self._stop_timer()
        self._connections.moved(self)

    def become_stranger(self) -> None:
        """Begin to wait for a login: at the beginning, and when a token holds no more."""
        if self.has_ended or self._timer:
            return
        self.is_logged_in = False
        self._timer = asyncio.get_running_loop().call_later(STRANGER_SECONDS, self.end)
        self._connections.moved(self)

    def end(self) -> None:
        """Hang up, at once and in the middle of anything, a handshake as well."""
        self.leave()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self.task:
            self.task.cancel()

    def leave(self) -> None:
        """Be counted no more."""
        self.has_ended = True
        self._stop_timer()
        self._connections.forget(self)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class Connections:
    """All connections of other machines."""

    def __init__(self, limits: Callable[[], Limits] = Limits) -> None:
        self.limits = limits
        self.evicted = 0
        self.refused = 0
        self._strangers: dict[Connection, None] = {}  # the oldest first
        self._known: dict[Connection, None] = {}
        self._each: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def __iter__(self) -> Iterator[Connection]:
        return iter([*self._strangers, *self._known])

    def enter(self, accepted: socket.socket, address: str) -> Connection | None:
        """Count a new connection; None when there is no room, and nobody to make any."""
        limits, whose = self.limits(), network(address)
        is_full_of_its = self._each[whose] >= limits.each and not is_proxy(address, limits.proxies)
        if is_full_of_its and not self._evict(whose):
            self.refused += 1
            return None
        if len(self) >= min(limits.most, most_by_files()) and not self._evict(""):
            self.refused += 1
            return None
        connection = Connection(self, accepted, address)
        self._each[whose] += 1
        return connection

    def make_room(self) -> bool:
        """Hang up on a stranger, such as when no more files can be opened."""
        return self._evict("")

    def moved(self, connection: Connection) -> None:
        self._strangers.pop(connection, None)
        self._known.pop(connection, None)
        (self._known if connection.is_logged_in else self._strangers)[connection] = None

    def forget(self, connection: Connection) -> None:
        if connection in self._strangers or connection in self._known:
            self._strangers.pop(connection, None)
            self._known.pop(connection, None)
            self._each[connection.whose] -= 1
            self._each += Counter()  # keeps those above nought

    def end_logged_in(self) -> None:
        """Hang up on all who are logged in."""
        for connection in list(self._known):
            connection.end()

    def _evict(self, whose: str) -> bool:
        """Hang up on the oldest stranger of an address, or of that which has most of them."""
        if not whose:
            counts = Counter(one.whose for one in self._strangers)
            whose = counts.most_common(1)[0][0] if counts else ""
        oldest = next((one for one in self._strangers if one.whose == whose), None)
        if oldest is None:
            return False
        self.evicted += 1
        oldest.end()
        return True


def most_by_files() -> int:
    """Return how many connections there may be by the open files that the process may have."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, most // SHARE_OF_FILES) if most > 0 else 1 << 20
