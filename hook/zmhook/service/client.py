"""Asking a service from Python, where zm_event_start.sh did not find the socket."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from zmhook.errors import ZmhookError

if TYPE_CHECKING:
    from pathlib import Path

    from zmhook.event import Event

ALARM, NOTHING, UNDECIDED = 200, 302, 422
"""The statuses of `POST /decide`; `routes` says why these."""

LARGEST = 16 * 1024 * 1024
CHUNK = 64 * 1024


class NoService(ZmhookError):  # noqa: N818 - reads as what it is
    """No service answers at a socket; the message says what happened."""


class Answered(NamedTuple):
    """The HTTP status and body of an answer."""

    status: int
    body: bytes


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
        reason = getattr(error, "strerror", None) or error
        raise NoService(f"{place}: no service answers ({reason})") from None


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
