"""A picture whose address another machine sends, fetched from hosts that we allow."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from zmhook.errors import FrameUnavailable
from zmhook.net.authorities import use_system_store
from zmhook.net.urls import shown, with_query

if TYPE_CHECKING:
    from collections.abc import Collection

SECONDS = 10.0
CHUNK = 64 * 1024
LONGEST = 4096
PORTS = {"http": 80, "https": 443}
NOT_IN_A_LINE = frozenset(map(chr, (*range(33), 127)))


class Wanted(NamedTuple):
    """An address that a client sent; `query` (ZoneMinder's token) is added to it.

    `verify` says whether a certificate is checked.
    """

    url: str
    query: str = ""
    verify: bool = True


def fetched(wanted: Wanted, allowed: Collection[str], most: int, seconds: float) -> bytes:
    """Return what is at the address: at most so many bytes, within so many seconds.

    Redirects are not followed. `allowed` are `host` (its usual port) or `host:port`. Raises
    `FrameUnavailable`; its text has no query.
    """
    place = checked(wanted.url, allowed)
    until = time.monotonic() + min(seconds, SECONDS)
    connection = _connection(place, min(seconds, SECONDS), verify=wanted.verify)
    try:
        return _read(connection, wanted, most, until)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FrameUnavailable(f"{shown(wanted.url)}: {_why(error)}") from None
    finally:
        connection.close()


def checked(url: str, allowed: Collection[str]) -> SplitResult:
    """Return the address in its parts when its host is one of the allowed."""
    if len(url) > LONGEST or NOT_IN_A_LINE & set(url) or not url.isascii():
        raise FrameUnavailable("the picture's address cannot be read")
    try:
        place = urlsplit(url)
        host, port = place.hostname, place.port
    except ValueError:
        raise FrameUnavailable("the picture's address cannot be read") from None
    if place.scheme not in PORTS or not host:
        raise FrameUnavailable("expected the picture's address to begin with http:// or https://")
    if "@" in place.netloc:
        raise FrameUnavailable("the picture's address may have no user or password in it")
    name = f"[{host}]" if ":" in host else host
    usual = PORTS[place.scheme]
    names = {f"{name}:{port or usual}"} | ({name} if (port or usual) == usual else set())
    if not names & set(allowed):
        raise FrameUnavailable(
            f"{name}:{port or usual} is not one of [service] allowed_portals on the server"
        )
    return place


def _connection(place: SplitResult, seconds: float, *, verify: bool) -> http.client.HTTPConnection:
    host = place.hostname or ""
    if place.scheme == "http":
        return http.client.HTTPConnection(host, place.port, timeout=seconds)
    use_system_store()
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, place.port, timeout=seconds, context=context)


def _read(connection: http.client.HTTPConnection, wanted: Wanted, most: int, until: float) -> bytes:
    place = urlsplit(with_query(wanted.url.partition("#")[0], wanted.query.lstrip("?&")))
    path = place.path or "/"
    connection.request("GET", f"{path}?{place.query}" if place.query else path)
    data = bytearray()
    with closing(connection.getresponse()) as answer:
        if answer.status != http.client.OK:
            raise ValueError(f"it answers {answer.status}")
        while piece := answer.read1(CHUNK):
            data += piece
            if len(data) > most:
                raise ValueError(f"it is larger than {most} bytes ([service] listen_max_upload)")
            _in_time(connection, until)
        if not data or answer.length:
            raise ValueError("it is cut short")
    return bytes(data)


def _in_time(connection: http.client.HTTPConnection, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    if isinstance(connection.sock, socket.socket):
        connection.sock.settimeout(left)


def _why(error: Exception) -> str:
    """Say what happened in words that hold no address."""
    if isinstance(error, TimeoutError):
        return "it did not come in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be verified ({error.verify_message.strip(' .')})"
    if isinstance(error, OSError):
        return f"it cannot be reached ({error.strerror or 'it closed the connection'})"
    if isinstance(error, http.client.HTTPException):
        return f"what it answers is not HTTP ({type(error).__name__})"
    return str(error)
