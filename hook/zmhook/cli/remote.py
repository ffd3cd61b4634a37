"""`zmhook remote status`: the other machines that models run on, and how they are."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from zmhook.cli.arguments import Parser
from zmhook.cli.moment import monitor_argument
from zmhook.cli.output import say_json
from zmhook.cli.where import add_config
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from zmhook.cli.tables import Block
    from zmhook.gateway.gateways import Gateway

WELL, FAILED = 0, 1
MOST_AT_ONCE = 8


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    rows = _rows(args.config, args.monitorid)
    if args.json:
        say_json(rows)
    else:
        from zmhook.cli.tables import show

        show(_blocks(rows), sys.stdout)
    return WELL if all(row["health"] == "well" for row in rows) else FAILED


def _rows(config: str, monitor: int | None) -> list[dict[str, Any]]:
    from zmhook.gateway.gateways import Gateways
    from zmhook.settings import load

    settings = load(config).for_monitor(monitor)
    become_owner(*folders_of(settings))
    gateways = Gateways(settings).all
    if not gateways:
        raise ZmhookError(f"{config}: [remote] ml_gateway names no other machine")
    seconds = settings.remote.ml_timeout
    with ThreadPoolExecutor(min(len(gateways), MOST_AT_ONCE)) as pool:
        return list(pool.map(lambda gateway: _row(gateway, seconds), gateways))


def _row(gateway: Gateway, seconds: float) -> dict[str, Any]:
    """Ask twice: the first time also finds out how to ask, and logs in."""
    from zmhook.errors import GatewayError

    trouble = ""
    try:
        gateway.refresh(seconds)
        gateway.refresh(seconds, anyway=True)
    except GatewayError as error:
        trouble = str(error)
    finally:
        gateway.close()
    health = gateway.health
    return {
        "address": gateway.place,
        "health": trouble or "well",
        "speaks": health.speaks if health else None,
        "models": health.models if health else None,
        "busy": health.busy if health else None,
        "round_trip_ms": None if trouble else round(gateway.round_trip * 1000, 1),
    }


def _blocks(rows: Sequence[dict[str, Any]]) -> Iterator[Block]:
    from zmhook.cli.tables import Table

    well = [row for row in rows if row["health"] == "well"]
    if well:
        head = ("address", "speaks", "models", "busy", "round trip")
        cells = [
            (
                row["address"],
                row["speaks"],
                _models(row["models"]),
                "?" if row["busy"] is None else f"{row['busy']:.2g}",
                f"{row['round_trip_ms']:g} ms",
            )
            for row in well
        ]
        yield Table("Machines that are well", head, cells, frozenset({3, 4}))
    for row in rows:
        if row not in well:
            yield row["health"]


def _models(models: list[str] | None) -> str:
    """Return the names; mlapi does not tell them."""
    return "not told" if models is None else ", ".join(models) or "none"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook remote",
        description="Ask the other machines that [remote] ml_gateway names how they are: what each "
        "speaks, its models, how busy it is (0: idle, 1: all at work) and how long it takes to say "
        "so. The exit code is 0 when all are well.",
    )
    parser.add_argument("action", choices=["status"], help="status: ask them")
    add_config(parser)
    parser.add_argument(
        "-m",
        "--monitorid",
        type=monitor_argument,
        metavar="MID",
        help="with the settings of this monitor",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    return parser
