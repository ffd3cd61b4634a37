"""`zmhook snapshots`: collect the best snapshots that cameras send, and show or export them."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from zmhook import CONFIG
from zmhook.cli.arguments import (
    Parser,
    add_config,
    add_json,
    add_limit,
    add_monitor,
    add_option,
    add_override,
    add_period,
    number_argument,
    program,
)
from zmhook.snapshots import environment

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

LISTED = 50
_FUNCTIONS = {
    "run": ("zmhook.cli.snapshots_run", "run"),
    "status": ("zmhook.cli.snapshots_status", "show_status"),
    "list": ("zmhook.cli.snapshots_show", "list_snapshots"),
    "show": ("zmhook.cli.snapshots_show", "show_snapshot"),
    "export": ("zmhook.cli.snapshots_show", "export_snapshots"),
}
"""Each subcommand's module and function there, which returns the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.action == "export" and not _selects(args):
        parser.commands["export"].error(
            "give NUMBERs, --all, --since, --until, --monitor, --camera or --label"
        )
    module, function = _FUNCTIONS[args.action]
    code: int = getattr(import_module(module), function)(args)
    return code


def _selects(args: Namespace) -> bool:
    filters = (args.monitor, args.camera, args.label, args.since, args.until)
    return bool(args.numbers or args.all or any(value is not None for value in filters))


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook snapshots",
        description="Collect the best snapshots that cameras send over MQTT, and show them.",
        examples=["zmhook snapshots status", "zmhook snapshots list --since 1d"],
    )
    _add_run(parser)
    _add_status(parser)
    for command in (_add_list(parser), _add_show(parser), _add_export(parser)):
        add_config(command)
        command.add_argument(
            "-s", "--storage", metavar="FOLDER", help="snapshot store (default: snapshot_path)"
        )
    return parser


def _add_run(parser: Parser) -> None:
    name = program("snapshots run", "zm_snapshots.py")
    run = parser.add_command(
        "run",
        "collect best snapshots, in the foreground",
        "What is not given here comes from the variable in parentheses, in the environment or in"
        f" {environment.FILE}, or else from the key of objectconfig.ini.",
        prog=name,
        examples=[f"{name} --check", f"{name} --broker 192.0.2.7 --topic axis/+/track"],
    )
    _add_settings(run)
    run.add_argument("--check", action="store_true", help="only test the connection to the broker")
    run.add_argument("-d", "--debug", action="store_true", help="log everything")


def _add_status(parser: Parser) -> None:
    status = parser.add_command(
        "status",
        "show what the collector is doing",
        examples=["zmhook snapshots status --json"],
        epilog="Exit code: 0 it is running, connected and storing; else 1.",
    )
    _add_settings(status)
    add_json(status)


def _add_list(parser: Parser) -> Parser:
    listing = parser.add_command(
        "list",
        "list stored best snapshots, the newest first",
        examples=["zmhook snapshots list -m 5 --since 2h"],
    )
    _add_filters(listing, LISTED)
    add_json(listing)
    return listing


def _add_show(parser: Parser) -> Parser:
    show = parser.add_command(
        "show", "show everything about one best snapshot", examples=["zmhook snapshots show 1407"]
    )
    show.add_argument(
        "number", metavar="NUMBER", type=number_argument, help="number of the snapshot"
    )
    add_json(show)
    return show


def _add_export(parser: Parser) -> Parser:
    export = parser.add_command(
        "export",
        "copy best snapshots to a folder, with a JSON file that describes them",
        examples=["zmhook snapshots export --since 1d --to /tmp/today"],
    )
    add = export.add_argument
    add("numbers", nargs="*", metavar="NUMBER", type=number_argument, help="snapshots to export")
    add("--to", required=True, metavar="FOLDER", help="target folder; created if missing")
    add("--all", action="store_true", help="export all snapshots")
    _add_filters(export, 0)
    return export


def _add_settings(parser: Parser) -> None:
    """Add the arguments that `snapshots_run.settings_of` reads."""
    named = os.environ.get("ZMHOOK_CONFIG", "").replace("%", "%%")
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help=f"configuration file (default: {named or f'{CONFIG}, if it exists'})",
    )
    for names, hidden, metavar, text in (
        (("-b", "--broker"), ("--mqtt_host",), "HOST", "MQTT broker (MQTT_HOST; [mqtt] mqtt_host)"),
        (
            ("-u", "--broker-user"),
            ("--mqtt_username",),
            "USER",
            "user at the broker (MQTT_USER; [mqtt] mqtt_user)",
        ),
        (
            ("--broker-password",),
            ("-p", "--mqtt_password"),  # elsewhere -p is an event's folder
            "PASSWORD",
            "password of that user (MQTT_PASS; [mqtt] mqtt_password)",
        ),
        (
            ("-t", "--topic"),
            ("--mqtt_topic",),
            "TOPIC",
            "topic to subscribe to (MQTT_TOPIC; [mqtt] mqtt_topic)",
        ),
        (
            ("-k", "--api-key"),
            ("--api_key",),
            "KEY",
            "Gemini API key (GEMINI_API_KEY; [gemini] gemini_key)",
        ),
    ):
        add_option(parser, *names, hidden=hidden, metavar=metavar, help=text)
    parser.add_argument(
        "-s",
        "--storage",
        metavar="FOLDER",
        help="where snapshots are stored (IMAGE_PATH; [snapshots] snapshot_path)",
    )
    add_override(parser)
    parser.add_argument(
        "--environment",
        default=environment.FILE,
        metavar="FILE",
        help="file with the variables in parentheses (default: %(default)s)",
    )


def _add_filters(parser: Parser, limit: int) -> None:
    add_monitor(parser, "only this monitor")
    parser.add_argument("--camera", metavar="NAME", help="only this camera")
    parser.add_argument("--label", metavar="CLASS", help="only this class, as the camera names it")
    add_period(parser)
    add_limit(parser, limit)
