"""Fetch an image from an address that another machine sends, from allowed hosts only."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from zmhook.errors import FrameUnavailable
from zmhook.net.authorities import use_system_store
from zmhook.net.urls import shown, with_query

if TYPE_CHECKING:
    from collections.abc import Collection

    from zmhook.gateway.protocol import ImageUrl

SECONDS = 10.0
CHUNK = 64 * 1024
LONGEST = 4096
PORTS = {"http": 80, "https": 443}
NOT_IN_A_LINE = frozenset(map(chr, (*range(33), 127)))


def fetch_image(address: ImageUrl, allowed: Collection[str], limit: int, seconds: float) -> bytes:
    """Return the image at an address: at most `limit` bytes, within so many seconds.

    Redirects are not followed. `allowed` are `host` (its usual port) or `host:port`. Raises
    `FrameUnavailable`; its text has no query.
    """
    parts = check_url(address.url, allowed)
    until = time.monotonic() + min(seconds, SECONDS)
    connection = _connection(parts, min(seconds, SECONDS), verify=address.verify)
    try:
        return _read(connection, address, limit, until)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FrameUnavailable(f"{shown(address.url)}: {_why(error)}") from None
    finally:
        connection.close()


def check_url(url: str, allowed: Collection[str]) -> SplitResult:
    """Return the parts of an address whose host is allowed; raises `FrameUnavailable`."""
    if len(url) > LONGEST or NOT_IN_A_LINE & set(url) or not url.isascii():
        raise FrameUnavailable("the picture's address cannot be read")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FrameUnavailable("the picture's address cannot be read") from None
    if parts.scheme not in PORTS or not host:
        raise FrameUnavailable("expected the picture's address to begin with http:// or https://")
    if "@" in parts.netloc:
        raise FrameUnavailable("the picture's address may have no user or password in it")
    name = f"[{host}]" if ":" in host else host
    usual = PORTS[parts.scheme]
    names = {f"{name}:{port or usual}"} | ({name} if (port or usual) == usual else set())
    if not names & set(allowed):
        raise FrameUnavailable(
            f"{name}:{port or usual} is not one of [service] allowed_portals on the server"
        )
    return parts


def _connection(parts: SplitResult, seconds: float, *, verify: bool) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=seconds)
    use_system_store()
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context)


def _read(
    connection: http.client.HTTPConnection, address: ImageUrl, limit: int, until: float
) -> bytes:
    parts = urlsplit(with_query(address.url.partition("#")[0], address.query.lstrip("?&")))
    path = parts.path or "/"
    connection.request("GET", f"{path}?{parts.query}" if parts.query else path)
    data = bytearray()
    with closing(connection.getresponse()) as response:
        if response.status != http.client.OK:
            raise ValueError(f"it answers {response.status}")
        while piece := response.read1(CHUNK):
            data += piece
            if len(data) > limit:
                raise ValueError(f"it is larger than {limit} bytes ([service] listen_max_upload)")
            _in_time(connection, until)
        if not data or response.length:
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
