"""Listen at the TCP address of `[service] listen`, with or without TLS."""

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
from zmhook.net.connections import ConnectionLimits, ConnectionTable
from zmhook.net.http_server import HttpServer, UploadBudget
from zmhook.server.auth import Access
from zmhook.server.inference_api import MEGABYTE, InferenceApi
from zmhook.server.mlapi_api import MlapiApi
from zmhook.server.pyzm_api import PyzmApi
from zmhook.server.router import TokenRouter
from zmhook.server.zmhook_api import ZmhookApi
from zmhook.service.routes import Routes

if TYPE_CHECKING:
    from zmhook.net.http_server import Handler
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Service

log = logging.getLogger(__name__)

BACKLOG = 256
AT_ONCE = 4
"""All uploads together may hold so many times what one may have."""
LOOPBACK = ("127.", "::1", "localhost")
LARGEST_PORT = 65535
NOT_AVAILABLE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""One of a name's addresses that this machine does not have: IPv6, mostly."""


class CannotListenError(ZmhookError):
    """The address, the certificate or its key cannot be used."""


class Listener:
    """An open address. It never falls back to plain HTTP when the certificate cannot be read.

    `reload` applies what has changed: the certificate's files, `listen_cert`, `listen_key`, user,
    password and `listen_max_upload`.
    """

    def __init__(self, supervisor: Supervisor, address: str) -> None:
        self.address = address
        self._supervisor = supervisor
        self.budget = UploadBudget(self._most_bytes())
        self.connections = ConnectionTable(self._limits)
        self._api = InferenceApi(supervisor, self.budget)
        self.access = Access(lambda: self._api.settings, self.connections.end_trusted)
        router = router_of(self._api, self.access, Routes(supervisor, public=True))
        self._server = HttpServer(router, self.connections, budget=self.budget)
        self._listening: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._context: ssl.SSLContext | None = None
        self._certificate: object = None
        self.problem = ""

    @property
    def port(self) -> int:
        return int(self._listening[0].getsockname()[1])

    async def open(self) -> None:
        """Begin to listen; raises `CannotListenError`."""
        self._certificate = _certificate_key(self._service)
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
        self._accepting = [
            loop.create_task(self._server.accept(each, self.address, lambda: self._context))
            for each in self._listening
        ]
        log.info("listening on %s%s", self.address, " (https)" if self._context else "")

    def reload(self) -> None:
        """Apply what has changed; never raises."""
        self.budget.most = self._most_bytes()
        _ = self.access.users
        certificate = _certificate_key(self._service)
        if certificate == self._certificate:
            return
        self._certificate = certificate
        try:
            self._context = _context(self._service)
        except CannotListenError as error:
            self.problem = f"{error}; the previous one stays in use"
            log.error("%s", self.problem)  # noqa: TRY400
            return
        self.problem = ""
        if self._context is None:
            self._warn_of_plain()
        log.info("the certificate of %s was reloaded", self.address)

    def close(self) -> None:
        """Take no further connections."""
        for task in self._accepting:
            task.cancel()
        for each in self._listening:
            each.close()

    async def finish(self, seconds: float) -> None:
        """Let the answers under way go out, for at most `seconds`."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._accepting, return_exceptions=True)
        await self._server.finish(seconds)
        self._api.close()

    def _limits(self) -> ConnectionLimits:
        service = self._service
        return ConnectionLimits(
            service.listen_connections, service.listen_connections_each, service.listen_proxies
        )

    def _most_bytes(self) -> int:
        return round(self._service.listen_max_upload * MEGABYTE * AT_ONCE)

    def _warn_of_plain(self) -> None:
        if self._context is None and not self.address.strip("[").startswith(LOOPBACK):
            log.warning(
                "[service] listen = %s has no listen_cert: passwords and pictures are sent"
                " unencrypted",
                self.address,
            )

    @property
    def _service(self) -> Service:
        return self._supervisor.config.current().general.service


def router_of(api: InferenceApi, access: Access, public: Handler) -> TokenRouter:
    """Return the router for all dialects."""
    routes = {**PyzmApi(api).routes(), **ZmhookApi(api).routes(), **MlapiApi(api).routes()}
    return TokenRouter(routes, access, public)


async def listen(address: str, supervisor: Supervisor) -> Listener:
    """Listen at `host:port`; raises `CannotListenError`."""
    listener = Listener(supervisor, address)
    await listener.open()
    return listener


async def _bound(host: str, port: str) -> list[socket.socket]:
    """Return a listening socket for each address of a host; raises `OSError`, `ValueError`."""
    if not 0 <= int(port) <= LARGEST_PORT:
        raise ValueError(f"a port is at most {LARGEST_PORT}")
    addresses = await asyncio.get_running_loop().getaddrinfo(
        host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    opened: list[socket.socket] = []
    missing: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(addresses):
        try:
            opened.append(_listening_socket(family, address))
        except OSError as error:
            missing = error
            if error.errno not in NOT_AVAILABLE:
                break
    else:
        if opened:
            return opened
    for each in opened:
        each.close()
    raise missing or OSError("no such address")


def _listening_socket(family: int, address: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _certificate_key(service: Service) -> object:
    """Return a value that changes with the certificate or its key, also when renewed in place."""
    return [_identity(name) for name in (service.listen_cert, service.listen_key)]


def _identity(name: str) -> tuple[object, ...]:
    try:
        stat = Path(name).stat() if name else None
    except (OSError, ValueError):
        stat = None
    if stat is None:
        return (name,)
    return name, stat.st_mtime_ns, stat.st_size, stat.st_ino


def _context(service: Service) -> ssl.SSLContext | None:
    """Load the certificate, if there is one; raises `CannotListenError`."""
    if not (service.listen_cert or service.listen_key):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A service has no terminal on which to ask for the password of a key.
        context.load_cert_chain(service.listen_cert, service.listen_key or None, lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise CannotListenError(
            f"[service] listen_cert = {service.listen_cert}, listen_key = {service.listen_key}:"
            f" cannot be used ({reason})"
        ) from None
    return context
