"""`zmhook serve`: run the service in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser, absolute_config, add_config
from zmhook.cli.service import readable_settings, socket_of
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    config = absolute_config(args.config)
    settings = readable_settings(config)
    socket = Path(args.socket) if args.socket else socket_of(config, settings)
    become_owner(socket.parent, *folders_of(settings))
    if args.replace:
        _end_other(socket)
    from zmhook.server import run

    return run.main(_for_run(args, config, socket))


def _for_run(args: argparse.Namespace, config: str, socket: Path) -> list[str]:
    options = ["--config", config, "--socket", str(socket)]
    if not args.on_demand:
        options.append("--permanent")
    if args.listen:
        options += ["--listen", args.listen]
    return [*options, "--debug"] if args.debug else options


def _end_other(socket: Path) -> None:
    """End the service that a hook has started on this socket."""
    from zmhook.service import running

    try:
        if running.is_running(socket):
            running.end(socket)
    except OSError as error:
        raise ZmhookError(f"{socket}: cannot stop the running service ({error.strerror})") from None


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook serve",
        description="Run the detection service in the foreground: it keeps the models loaded and"
        " decides the events of hooks, over a unix socket. Hooks start a service by themselves;"
        " this one runs until it is stopped.",
        examples=["zmhook serve --replace", "zmhook serve --listen 0.0.0.0:5000"],
    )
    add_config(parser)
    add = parser.add_argument
    add("--socket", default="", metavar="PATH", help="unix socket (default: the one hooks use)")
    add(
        "--listen",
        default="",
        metavar="HOST:PORT",
        help="also serve other machines on this address (default: [service] listen)",
    )
    add("--on-demand", action="store_true", help="exit when idle, after service_idle_exit")
    add("--replace", action="store_true", help="first stop a service that is already running")
    add("-d", "--debug", action="store_true", help="log everything")
    return parser
