"""Opens the address that `listen` names, and follows what the settings say of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import ZmhookError
from zmhook.server.auth import Access
from zmhook.server.connections import Connections, Limits
from zmhook.server.door import ListenDoor
from zmhook.server.looks import MEGABYTE, Looks
from zmhook.server.server import Room, Server
from zmhook.service.routes import Routes

if TYPE_CHECKING:
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Service

log = logging.getLogger(__name__)

BACKLOG = 256
AT_ONCE = 4
"""All uploads together may hold so many times what one may have."""
LOOPBACK = ("127.", "::1", "localhost")
PAUSE = 0.1
"""Seconds without a further connection when the process can open no more files."""
LARGEST_PORT = 65535
NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Of a name's several addresses, one that this machine does not have: IPv6, mostly."""


class CannotListenError(ZmhookError):
    """The address, the certificate or its key cannot be used."""


class Listener:
    """An open address. Without a certificate that can be read there is none, not a plain one.

    `follow` takes over what has changed: the certificate's files, `listen_cert`, `listen_key`,
    user, password and `listen_max_upload`.
    """

    def __init__(self, supervisor: Supervisor, address: str) -> None:
        self.address = address
        self._supervisor = supervisor
        self._room = Room(self._most_bytes())
        self.connections = Connections(self._limits)
        self._looks = Looks(supervisor, self._room)
        self.access = Access(lambda: self._looks.settings, self.connections.end_logged_in)
        door = ListenDoor(self._looks, self.access, Routes(supervisor, public=True))
        self._server = Server(door, self._room, self.connections)
        self._listening: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._context: ssl.SSLContext | None = None
        self._context_of: object = None
        self.problem = ""

    @property
    def port(self) -> int:
        return int(self._listening[0].getsockname()[1])

    async def open(self) -> None:
        """Begin to listen; raises `CannotListenError`."""
        self._context_of = _certificate(self._service)
        self._context = _context(self._service)
        host, _, port = self.address.rpartition(":")
        try:
            self._listening = await _bound(host.strip("[]"), port)
        except (OSError, ValueError, OverflowError) as error:
            raise CannotListenError(
                f"[service] listen = {self.address}: cannot be listened on ({error})"
            ) from None
        self._warn_of_plain()
        _ = self.access.users  # the password is made now, when there is none
        loop = asyncio.get_running_loop()
        self._accepting = [loop.create_task(self._accept(one)) for one in self._listening]
        log.info("listening on %s%s", self.address, " (https)" if self._context else "")

    def follow(self) -> None:
        """Take over what has changed; never raises."""
        self._room.most = self._most_bytes()
        _ = self.access.users
        given = _certificate(self._service)
        if given == self._context_of:
            return
        self._context_of = given
        try:
            self._context = _context(self._service)
        except CannotListenError as error:
            self.problem = f"{error}; the one from before stays in use"
            log.error("%s", self.problem)  # noqa: TRY400
            return
        self.problem = ""
        if self._context is None:
            self._warn_of_plain()
        log.info("the certificate of %s was read anew", self.address)

    def close(self) -> None:
        """Take no further connections."""
        for task in self._accepting:
            task.cancel()
        for one in self._listening:
            one.close()

    async def finish(self, seconds: float) -> None:
        """Let the answers under way go out, for at most `seconds`."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._accepting, return_exceptions=True)
        await self._server.finish(seconds)
        self._looks.close()

    async def _accept(self, listening: socket.socket) -> None:
        """Accept connections until cancelled. Others have their turn between any two."""
        loop = asyncio.get_running_loop()
        is_full = False
        while True:
            try:
                accepted, (address, *_) = await loop.sock_accept(listening)
            except OSError as error:
                if not is_full and not isinstance(error, ConnectionError):
                    log.warning("%s: cannot accept connections: %s", self.address, error)
                    is_full = True
                self.connections.make_room()
                await asyncio.sleep(PAUSE)
                continue
            is_full = False
            self._server.accepted(accepted, str(address), self._context)
            await asyncio.sleep(0)

    def _limits(self) -> Limits:
        service = self._service
        return Limits(
            service.listen_connections, service.listen_connections_each, service.listen_proxies
        )

    def _most_bytes(self) -> int:
        return round(self._service.listen_max_upload * MEGABYTE * AT_ONCE)

    def _warn_of_plain(self) -> None:
        if self._context is None and not self.address.strip("[").startswith(LOOPBACK):
            log.warning(
                "[service] listen = %s has no listen_cert: passwords and pictures can be read on"
                " the way",
                self.address,
            )

    @property
    def _service(self) -> Service:
        return self._supervisor.config.current().general.service


async def listen(address: str, supervisor: Supervisor) -> Listener:
    """Listen at `host:port`; raises `CannotListenError`."""
    listener = Listener(supervisor, address)
    await listener.open()
    return listener


async def _bound(host: str, port: str) -> list[socket.socket]:
    """Return a listening socket for each address of a host; raises `OSError`, `ValueError`."""
    if not 0 <= int(port) <= LARGEST_PORT:
        raise ValueError(f"a port is at most {LARGEST_PORT}")
    found = await asyncio.get_running_loop().getaddrinfo(
        host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    opened: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, place in dict.fromkeys(found):
        try:
            opened.append(_opened(family, place))
        except OSError as error:
            missing = error
            if error.errno not in NOT_HERE:
                break
    else:
        if opened:
            return opened
    for one in opened:
        one.close()
    raise missing or OSError("no such address")


def _opened(family: int, place: tuple[object, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(place)
        one.listen(BACKLOG)
    except OSError:
        one.close()
        raise
    return one


def _certificate(service: Service) -> object:
    """Return what changes when the certificate or its key do, renewed in place as well."""
    return [_identity(name) for name in (service.listen_cert, service.listen_key)]


def _identity(name: str) -> tuple[object, ...]:
    try:
        found = Path(name).stat() if name else None
    except (OSError, ValueError):
        found = None
    if found is None:
        return (name,)
    return name, found.st_mtime_ns, found.st_size, found.st_ino


def _context(service: Service) -> ssl.SSLContext | None:
    """Read the certificate, when there is one; raises `CannotListenError`."""
    if not (service.listen_cert or service.listen_key):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # No password is asked for on a terminal that a service does not have.
        context.load_cert_chain(service.listen_cert, service.listen_key or None, lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise CannotListenError(
            f"[service] listen_cert = {service.listen_cert}, listen_key = {service.listen_key}:"
            f" cannot be used ({reason})"
        ) from None
    return context
