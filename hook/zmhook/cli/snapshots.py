"""`zmhook snapshots`: collect the snapshots of cameras, and look at what was collected."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "run": ("zmhook.cli.snapshots_run", "main", "collect, in the foreground"),
    "status": ("zmhook.cli.snapshots_status", "main", "what the collector is doing"),
    "list": ("zmhook.cli.snapshots_show", "list_main", "the stored snapshots, newest first"),
    "show": ("zmhook.cli.snapshots_show", "show_main", "all that is known of one"),
    "export": ("zmhook.cli.snapshots_show", "export_main", "copy snapshots, with a JSON list"),
}
"""Each command's module and function there, which returns the exit code, and what it does."""


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    module, function, _ = COMMANDS[args.command]
    code: int = getattr(import_module(module), function)(args.arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, (*_, what) in COMMANDS.items()]
    parser = Parser(
        prog="zmhook snapshots",
        description="\n".join(["Collect the snapshots of cameras, and look at them.", "", *lines]),
        epilog="zmhook snapshots COMMAND --help shows a command's arguments.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of these")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    return parser
