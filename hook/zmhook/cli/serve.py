"""`zmhook serve`: run the service in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.cli import where
from zmhook.cli.arguments import Parser
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    config = where.absolute(args.config)
    settings = where.settings_of(config)
    place = Path(args.socket) if args.socket else where.socket_of(config, settings)
    become_owner(place.parent, *folders_of(settings))
    if args.replace:
        _end_other(place)
    from zmhook.server import run

    return run.main(_for_run(args, config, place))


def _for_run(args: argparse.Namespace, config: str, place: Path) -> list[str]:
    options = ["--config", config, "--socket", str(place)]
    if not args.on_demand:
        options.append("--permanent")
    if args.listen:
        options += ["--listen", args.listen]
    return [*options, "--debug"] if args.debug else options


def _end_other(place: Path) -> None:
    """End the service that a hook has started there."""
    from zmhook.service import running

    try:
        if running.is_running(place):
            running.end(place)
    except OSError as error:
        raise ZmhookError(
            f"{place}: the service there cannot be ended ({error.strerror})"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook serve",
        description="Keep the models loaded and decide events for hooks, over a unix socket. "
        "Hooks start such a service by themselves; this one stays until it is stopped.",
    )
    where.add_config(parser)
    parser.add_argument(
        "--socket", default="", help="the socket's path (default: where hooks look for it)"
    )
    parser.add_argument(
        "--listen",
        default="",
        metavar="HOST:PORT",
        help="answer other machines there (default: as [service] listen says)",
    )
    parser.add_argument(
        "--on-demand", action="store_true", help="end when idle, as service_idle_exit says"
    )
    parser.add_argument(
        "--replace", action="store_true", help="end a service that runs there already, first"
    )
    parser.add_argument("-d", "--debug", action="store_true", help="log everything")
    return parser
