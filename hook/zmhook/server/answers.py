"""Answers as JSON, and what is said to those who are not served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import json

from zmhook.net.http_server import Response
from zmhook.server.exchange import Asked
from zmhook.server.server import Admitted

MLAPI = "/api/v1"
"""Below this path is what mlapi has there; the rest is found with and without it."""
JSON = "application/json"
BUSY = 503
SOON = (("Retry-After", "1"),)


Begin = Callable[[Asked], Admitted | Response]
"""Says where the body of a request goes and what answers then; or answers at once."""


class Route(NamedTuple):
    """What is done at a path."""

    method: str
    begin: Begin
    is_public: bool = False


def answer(found: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, json.encode(found), JSON, headers=headers)


def refused_to(
    asked: Asked | None, status: int, why: str, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """Say why there is no answer, in the way of those who ask at that path."""
    is_mlapi = asked is not None and asked.path.startswith((MLAPI, "/detect/"))
    name = "msg" if is_mlapi else "detail"
    return answer({name: why}, status, SOON if status == BUSY else headers)
