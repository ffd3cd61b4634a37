"""Fetch an image from an address that another machine sends, from allowed hosts only."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from zmhook.errors import FrameUnavailable
from zmhook.net.http import OK, HttpClient
from zmhook.net.http_problem import HttpFailure, HttpProblem
from zmhook.net.urls import shown, with_query

if TYPE_CHECKING:
    from collections.abc import Collection

    from zmhook.gateway.protocol import ImageUrl

SECONDS = 10.0
LARGEST = 64 * 1024 * 1024
LONGEST = 4096
PORTS = {"http": 80, "https": 443}
NOT_IN_A_LINE = frozenset(map(chr, (*range(33), 127)))
_ADVICE = {HttpFailure.TOO_LARGE: "[service] listen_max_upload limits it"}
_UNREADABLE = "the picture's address cannot be read"


class ImageFetcher:
    """Fetches images; any thread may use it. Requests that never end are bounded."""

    def __init__(self) -> None:
        self._clients = {
            verify: HttpClient(limit=LARGEST, verify=verify, keep=False) for verify in (True, False)
        }

    def fetch(self, address: ImageUrl, allowed: Collection[str], limit: int) -> bytes:
        """Return the image at an address: at most `limit` bytes, within `SECONDS`.

        Redirects are not followed. `allowed` are `host` (its usual port) or `host:port`. Raises
        `FrameUnavailable`; its text has no query.
        """
        check_url(address.url, allowed)
        if not _is_one_line(address.query):
            raise FrameUnavailable(_UNREADABLE)
        url = with_query(address.url.partition("#")[0], address.query.lstrip("?&"))
        try:
            response = self._clients[address.verify].request("GET", url, SECONDS, limit=limit)
        except HttpProblem as problem:
            reason = problem.with_advice(_ADVICE)
        else:
            if response.status == OK and response.body:
                return response.body
            is_empty = response.status == OK
            reason = "it is empty" if is_empty else f"it answers {response.status}"
        raise FrameUnavailable(f"{shown(address.url)}: {reason}")


def check_url(url: str, allowed: Collection[str]) -> None:
    """Raise `FrameUnavailable` unless this is an http(s) address on an allowed host."""
    if len(url) > LONGEST or not _is_one_line(url):
        raise FrameUnavailable(_UNREADABLE)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise FrameUnavailable(_UNREADABLE) from None
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


def _is_one_line(text: str) -> bool:
    return text.isascii() and not NOT_IN_A_LINE & set(text)
