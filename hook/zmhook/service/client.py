"""Send requests to a service from Python, for when zm_event_start.sh did not find the socket."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from zmhook.errors import ZmhookError

if TYPE_CHECKING:
    from pathlib import Path

    from zmhook.event import Event

ALARM, NOTHING, UNDECIDED = 200, 302, 422
"""The statuses of `POST /decide`; `routes` says why these."""

STOPPING = 200
"""The status of `POST /stop`."""

INFORMATIONAL_END = 200
LEAST = 0.001
"""Seconds: no time at all would mean for ever."""
LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024
CREDENTIALS = "iII"
"""`struct ucred` of unix(7): process, user, group."""


class NoService(ZmhookError):
    """No service answers at a socket; the message says what happened."""


class Silent(NoService):
    """A service is there and shows no sign of life."""


class Peer(NamedTuple):
    """The process that listens at a socket (0: one in another container), and its user."""

    pid: int
    uid: int


class ServiceReply(NamedTuple):
    """The HTTP status and body of an answer."""

    status: int
    body: bytes


def peer(socket_file: Path, seconds: float) -> Peer:
    """Return the process that listens there, from the kernel; raises `NoService`."""
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(seconds)
            connection.connect(str(socket_file))
            size = struct.calcsize(CREDENTIALS)
            data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            pid, uid, _ = struct.unpack(CREDENTIALS, data)
            return Peer(pid, uid)
    except (OSError, ValueError) as error:
        raise _no_service(socket_file, error) from None


def decide(
    socket_file: Path, event: Event, config: str, seconds: float, silence: float | None = None
) -> ServiceReply:
    """Request an event's decision by `POST /decide`; raises as `ask` does."""
    form = {
        "eid": "" if event.id is None else event.id,
        "mid": "" if event.monitor_id is None else event.monitor_id,
        "name": event.monitor_name,
        "cause": event.cause,
        "path": os.fsencode(event.folder),
        "config": config,
    }
    return ask(socket_file, "POST", "/decide", seconds, urlencode(form).encode(), silence)


def ask(
    socket_file: Path,
    method: str,
    path: str,
    seconds: float,
    body: bytes = b"",
    silence: float | None = None,
) -> ServiceReply:
    """Send one request and return the answer, within `seconds` in all.

    Raises `NoService`; `Silent` when for `silence` seconds nothing came, not even a sign of life.
    """
    end = time.monotonic() + seconds
    head = f"{method} {path} HTTP/1.1\r\nHost: zmhook\r\nContent-Length: {len(body)}\r\n\r\n"
    pause = seconds if silence is None else min(silence, seconds)
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
            _limit_connecting(connection, pause)
            connection.connect(str(socket_file))
            connection.settimeout(max(LEAST, pause))
            connection.sendall(head.encode() + body)
            return _answer(_everything(connection, end, pause))
    except (TimeoutError, BlockingIOError):
        # Nobody takes a connection any more (EAGAIN), takes what is sent, or says a word.
        if silence is not None and time.monotonic() < end:
            what = f"{socket_file}: the service there shows no sign of life for {pause:.3g} s"
            raise Silent(what) from None
        raise NoService(f"{socket_file}: no service answers (timed out)") from None
    except (OSError, ValueError) as error:
        raise _no_service(socket_file, error) from None


def _no_service(socket_file: Path, error: Exception) -> NoService:
    reason = getattr(error, "strerror", None) or error
    return NoService(f"{socket_file}: no service answers ({reason})")


def _limit_connecting(connection: socket.socket, seconds: float) -> None:
    """Limit the wait for room in a full queue of connections; Python's time-out does not wait."""
    whole, part = divmod(max(LEAST, seconds), 1)
    limit = struct.pack("ll", int(whole), int(part * 1e6))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def _everything(connection: socket.socket, end: float, pause: float) -> bytes:
    data = bytearray()
    while True:
        left = end - time.monotonic()
        if left <= 0 and data:
            raise TimeoutError
        connection.settimeout(max(LEAST, min(pause, left)))
        chunk = connection.recv(CHUNK)
        if not chunk:
            return bytes(data)
        data += chunk
        if len(data) > LARGEST:
            raise ValueError("the answer is too long")


def _answer(data: bytes) -> ServiceReply:
    at = 0
    while True:
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            raise ValueError("the answer is cut short")
        status, *headers = data[at:end].split(b"\r\n")
        code = int(status.partition(b" ")[2][:3])
        if code >= INFORMATIONAL_END:
            break
        at = end + 4  # a sign of life
    body = data[end + 4 :]
    for header in headers:
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length" and int(value) != len(body):
            raise ValueError("the answer is cut short")
    return ServiceReply(code, body)
