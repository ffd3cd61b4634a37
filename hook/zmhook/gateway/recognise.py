"""Find out which dialect a server speaks, by asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import GatewayError
from zmhook.gateway.dialect import Dialect, GatewayStatus
from zmhook.gateway.endpoint import Endpoint
from zmhook.gateway.mlapi_client import MlapiClient
from zmhook.gateway.pyzm_client import PyzmClient
from zmhook.gateway.zmhook_client import ZmhookClient
from zmhook.net.urls import shown

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

MLAPI = "/api/v1"
"""The path below which mlapi is, and which addresses in older files have."""


class KnownServer(NamedTuple):
    """A server whose dialect we speak."""

    endpoint: Endpoint
    dialect: Dialect
    status: GatewayStatus


def recognise(settings: Settings, address: str, deadline: Deadline) -> KnownServer:
    """Return how to ask the server; raises `GatewayError`.

    The address is tried as it is, then with mlapi's path or without it.
    """
    for base in _bases(address):
        endpoint = Endpoint(settings, base)
        for dialect in (ZmhookClient(), PyzmClient(), MlapiClient()):
            status = _status(dialect, endpoint, deadline)
            if status is not None:
                return KnownServer(endpoint, dialect, status)
        endpoint.close()
    raise GatewayError(
        f"{shown(address)}: answers, but neither as zmhook nor as pyzm.serve or mlapi do: is"
        " [remote] ml_gateway right?"
    )


def _status(dialect: Dialect, endpoint: Endpoint, deadline: Deadline) -> GatewayStatus | None:
    try:
        return dialect.status(endpoint, deadline)
    except GatewayError:
        endpoint.close()
        raise


def _bases(address: str) -> tuple[str, str]:
    if address.endswith(MLAPI):
        return address, address.removesuffix(MLAPI)
    return address, f"{address}{MLAPI}"
