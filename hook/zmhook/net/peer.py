"""Ask the kernel who is at the other end of a unix socket."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, Protocol

_UCRED = struct.Struct("iII")
"""`struct ucred` of unix(7): process, user, group."""


class SocketLike(Protocol):
    """A socket, or asyncio's stand-in for one."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes: ...


class Peer(NamedTuple):
    """The process at the other end (0: in another container), and its user."""

    pid: int
    uid: int


def peer_of(connection: SocketLike) -> Peer:
    """Return who is at the other end of a connection; raises `OSError`."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)
    return Peer(pid, uid)
