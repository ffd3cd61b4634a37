"""`zmhook remote status`: show the status of remote inference servers."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from zmhook.cli.arguments import (
    Parser,
    add_config,
    add_json,
    add_monitor,
)
from zmhook.cli.output import say_json
from zmhook.errors import ZmhookError
from zmhook.exit_codes import DONE, FAILED
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from zmhook.cli.tables import Block
    from zmhook.gateway.gateways import Gateway

MOST_AT_ONCE = 8


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    rows = _rows(args.config, args.monitor)
    if not rows and not args.json:
        raise ZmhookError(f"{args.config}: [remote] ml_gateway lists no remote server")
    if args.json:
        say_json(rows)
    else:
        from zmhook.cli.tables import show

        show(_blocks(rows), sys.stdout)
    return DONE if all(row["reachable"] for row in rows) else FAILED


def _rows(config: str, monitor: int | None) -> list[dict[str, Any]]:
    from zmhook.gateway.gateways import Gateways
    from zmhook.settings import load

    settings = load(config).apply().for_monitor(monitor)
    become_owner(*folders_of(settings))
    gateways = Gateways(settings).all
    if not gateways:
        return []
    seconds = settings.remote.ml_timeout
    with ThreadPoolExecutor(min(len(gateways), MOST_AT_ONCE)) as pool:
        return list(pool.map(lambda gateway: _row(gateway, seconds), gateways))


def _row(gateway: Gateway, seconds: float) -> dict[str, Any]:
    """Ask twice, because the first request also detects the protocol and logs in."""
    from zmhook.errors import GatewayError

    message = ""
    try:
        gateway.refresh(seconds)
        gateway.refresh(seconds, anyway=True)
    except GatewayError as error:
        message = str(error)
    finally:
        gateway.close()
    status = gateway.status
    return {
        "address": gateway.address,
        "reachable": not message,
        "error": message,
        "protocol": status.speaks if status else None,
        "models": status.models if status else None,
        "load": status.busy if status else None,
        "round_trip_ms": None if message else round(gateway.round_trip * 1000, 1),
    }


def _blocks(rows: Sequence[dict[str, Any]]) -> Iterator[Block]:
    from zmhook.cli.tables import Table

    reachable = [row for row in rows if row["reachable"]]
    if reachable:
        head = ("address", "protocol", "models", "load", "round trip")
        cells = [
            (
                row["address"],
                row["protocol"],
                _models(row["models"]),
                "?" if row["load"] is None else f"{row['load']:.0%}",
                f"{row['round_trip_ms']:g} ms",
            )
            for row in reachable
        ]
        yield Table("Reachable servers", head, cells, frozenset({3, 4}), wrapped=frozenset({0, 2}))
    for row in rows:
        if not row["reachable"]:
            yield row["error"]


def _models(models: list[str] | None) -> str:
    """Return the names; mlapi does not report them."""
    return "unknown" if models is None else ", ".join(models) or "none"


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook remote",
        description="Show the remote inference servers that [remote] ml_gateway lists.",
        examples=["zmhook remote status"],
    )
    status = parser.add_command(
        "status",
        "show the status of remote inference servers",
        "For each: its protocol, its models, its load (0%: idle) and the round-trip time.",
        examples=["zmhook remote status", "zmhook remote status --json"],
        epilog="Exit code: 0 all servers are reachable, 1 one is not.",
    )
    add_config(status)
    add_monitor(status, "use the settings of this monitor")
    add_json(status)
    return parser
