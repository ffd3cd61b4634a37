"""Asking a service from Python, where zm_event_start.sh did not find the socket."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urlencode

from zmhook.errors import ZmhookError

if TYPE_CHECKING:
    from pathlib import Path

    from zmhook.event import Event

ALARM, NOTHING, UNDECIDED = 200, 302, 422
"""The statuses of `POST /decide`; `routes` says why these."""

STOPPING = 200
"""The status of `POST /stop`."""

LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024
_UCRED = struct.Struct("iII")
"""`struct ucred` of unix(7): process, user, group."""


class Connection(Protocol):
    """A socket, or what asyncio lends of one."""

    def getsockopt(self, level: int, option: int, length: int, /) -> bytes: ...


class NoService(ZmhookError):  # noqa: N818 - reads as what it is
    """No service answers at a socket; the message says what happened."""


class Answered(NamedTuple):
    """The HTTP status and body of an answer."""

    status: int
    body: bytes


class Peer(NamedTuple):
    """Who listens at a socket: the process, 0 for one of another container, and its user."""

    pid: int
    uid: int


def peer(place: Path, seconds: float) -> Peer:
    """Return who listens there, as the kernel knows it; raises `NoService`."""
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(seconds)
            connection.connect(str(place))
            return peer_of(connection)
    except (OSError, ValueError) as error:
        raise _no_service(place, error) from None


def peer_of(connection: Connection) -> Peer:
    """Return who is at the other end of a connection; raises `OSError`."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)
    return Peer(pid, uid)


def decide(place: Path, event: Event, config: str, seconds: float) -> Answered:
    """Ask for an event's decision, in the form of `POST /decide`; raises `NoService`."""
    form = {
        "eid": "" if event.id is None else event.id,
        "mid": "" if event.monitor_id is None else event.monitor_id,
        "name": event.monitor_name,
        "cause": event.cause,
        "path": event.path,
        "config": config,
    }
    return ask(place, "POST", "/decide", seconds, urlencode(form).encode())


def ask(place: Path, method: str, path: str, seconds: float, body: bytes = b"") -> Answered:
    """Send one request and return its answer; raises `NoService`."""
    head = f"{method} {path} HTTP/1.1\r\nHost: zmhook\r\nContent-Length: {len(body)}\r\n\r\n"
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(seconds)
            connection.connect(str(place))
            connection.sendall(head.encode() + body)
            return _answer(_everything(connection))
    except (OSError, ValueError) as error:
        raise _no_service(place, error) from None


def _no_service(place: Path, error: Exception) -> NoService:
    reason = getattr(error, "strerror", None) or error
    return NoService(f"{place}: no service answers ({reason})")


def _everything(connection: socket.socket) -> bytes:
    data = bytearray()
    while chunk := connection.recv(CHUNK):
        data += chunk
        if len(data) > LARGEST:
            raise ValueError("the answer is too long")
    return bytes(data)


def _answer(data: bytes) -> Answered:
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        raise ValueError("the answer is cut short")
    status, *headers = head.split(b"\r\n")
    for header in headers:
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length" and int(value) != len(body):
            raise ValueError("the answer is cut short")
    return Answered(int(status.partition(b" ")[2][:3]), body)
