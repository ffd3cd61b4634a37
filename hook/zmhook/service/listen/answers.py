"""Answers as JSON, and what is said to those who are not served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import json

from zmhook.service.http import Response
from zmhook.service.listen.exchange import Asked
from zmhook.service.listen.server import Admitted

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


def refusal(
    status: int, why: str, headers: tuple[tuple[str, str], ...] = (), *, name: str = "detail"
) -> Response:
    """Say why there is no answer; `name` is what the asking side calls that."""
    return answer({name: why}, status, SOON if status == BUSY else headers)
