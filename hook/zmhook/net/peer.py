"""Who is at the other end of a unix socket, as the kernel knows it."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, Protocol

_UCRED = struct.Struct("iII")
"""`struct ucred` of unix(7): process, user, group."""


class Connection(Protocol):
    """A socket, or what asyncio lends of one."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes: ...


class Peer(NamedTuple):
    """Who listens at a socket: the process, 0 for one of another container, and its user."""

    pid: int
    uid: int


def peer_of(connection: Connection) -> Peer:
    """Return who is at the other end of a connection; raises `OSError`."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)
    return Peer(pid, uid)
