"""Finding out what a server speaks, by asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import GatewayError
from zmhook.gateway.dialects.base import Dialect
from zmhook.gateway.dialects.mlapi import Mlapi
from zmhook.gateway.dialects.ours import Ours
from zmhook.gateway.dialects.pyzm_serve import PyzmServe
from zmhook.gateway.link import Link
from zmhook.gateway.question import Health
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

MLAPI = "/api/v1"
"""The path below which mlapi is, and which addresses of older files have."""


class Recognised(NamedTuple):
    """A server that is understood."""

    link: Link
    dialect: Dialect
    health: Health


def recognised(settings: Settings, address: str, deadline: Deadline) -> Recognised:
    """Return how to ask the server; raises `GatewayError`.

    It is tried at the address as given, then with mlapi's path or without it.
    """
    for base in _bases(address):
        link = Link(settings, base)
        for dialect in (Ours(), PyzmServe(), Mlapi()):
            health = _status(dialect, link, deadline)
            if health is not None:
                return Recognised(link, dialect, health)
        link.close()
    raise GatewayError(
        f"{shown(address)}: answers, but neither as zmhook nor as pyzm.serve or mlapi do: is"
        " [remote] ml_gateway right?"
    )


def _status(dialect: Dialect, link: Link, deadline: Deadline) -> Health | None:
    try:
        return dialect.status(link, deadline)
    except GatewayError:
        link.close()
        raise


def _bases(address: str) -> tuple[str, str]:
    if address.endswith(MLAPI):
        return address, address.removesuffix(MLAPI)
    return address, f"{address}{MLAPI}"
