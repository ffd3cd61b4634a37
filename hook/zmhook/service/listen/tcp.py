"""Opens the address that `listen` names."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import TYPE_CHECKING

from zmhook.errors import ZmhookError
from zmhook.service.listen.auth import NoPasswordError, Users
from zmhook.service.listen.door import ListenDoor
from zmhook.service.listen.exchange import CHUNK
from zmhook.service.listen.looks import MEGABYTE, Looks
from zmhook.service.listen.server import Room, Server
from zmhook.service.routes import Routes

if TYPE_CHECKING:
    from zmhook.service.supervisor import Supervisor
    from zmhook.settings import Service

log = logging.getLogger(__name__)

BACKLOG = 256
HANDSHAKE_SECONDS = 5.0
AT_ONCE = 4
"""All uploads together may hold so many times what one may have."""
LOOPBACK = ("127.", "::1", "localhost")


class CannotListenError(ZmhookError):
    """The address, the certificate or its key cannot be used."""


class Listener:
    """An open address. Without a certificate that can be read there is none, not a plain one."""

    def __init__(self, server: Server, looks: Looks, listening: asyncio.Server) -> None:
        self._server = server
        self._looks = looks
        self._listening = listening

    @property
    def port(self) -> int:
        return int(self._listening.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Take no further connections."""
        self._listening.close()

    async def finish(self, seconds: float) -> None:
        """Let the answers under way go out, for at most `seconds`."""
        await self._server.finish(seconds)
        self._looks.close()


async def listen(address: str, supervisor: Supervisor) -> Listener:
    """Listen at `host:port`; raises `CannotListenError`."""
    settings = supervisor.config.current().general
    context = _context(settings.service)
    most = settings.service.listen_max_upload * MEGABYTE * AT_ONCE
    room = Room(round(most))
    looks = Looks(supervisor, room)
    users, why = None, ""
    try:
        users = Users.of(settings)
    except NoPasswordError as error:
        why = "the server has no password to log in with"
        log.error("%s; other machines get health and metrics only", error)  # noqa: TRY400
    door = ListenDoor(looks, users, Routes(supervisor, public=True), why)
    server = Server(door, room)
    host, _, port = address.rpartition(":")
    try:
        listening = await asyncio.start_server(
            server.serve,
            host.strip("[]") or None,
            int(port),
            limit=CHUNK,
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if context else None,
        )
    except (OSError, ValueError, OverflowError) as error:
        raise CannotListenError(
            f"[service] listen = {address}: cannot be listened on ({error})"
        ) from None
    if context is None and not host.strip("[]").startswith(LOOPBACK):
        log.warning(
            "[service] listen = %s has no listen_cert: passwords and pictures can be read on the"
            " way",
            address,
        )
    for one in listening.sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    log.info("listening on %s%s", address, " (https)" if context else "")
    return Listener(server, looks, listening)


def _context(service: Service) -> ssl.SSLContext | None:
    """Read the certificate, when there is one: once, at the start."""
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
            f" cannot be used ({reason}); nothing is listened on"
        ) from None
    return context
