"""`zmhook config`: check a configuration, print the reference of its keys, migrate an old one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from zmhook.cli import migrate
from zmhook.cli.arguments import Parser
from zmhook.cli.output import say
from zmhook.errors import DetectorError, SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from zmhook.settings import Config

CONFIG = "/etc/zm/objectconfig.ini"
RIGHT, WRONG = 0, 2


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.action == "check":
        return check(args.config, args.override)
    if args.action == "migrate":
        return migrate.migrate(args)
    from zmhook.settings.reference import reference

    sys.stdout.write(reference())
    return RIGHT


def check(path: str, overrides: Iterable[str] = ()) -> int:
    """Tell on stderr what is wrong and what has no effect, and return the exit code."""
    from zmhook.settings import load

    try:
        config = load(path, overrides)
    except SettingsError as error:
        _tell(map(str, error.problems))
        _tell(_warnings(error.config))
        return WRONG
    _tell(_warnings(config))
    problems = list(dict.fromkeys(_unknown_models(config)))
    _tell(problems)
    if problems:
        return WRONG
    say(f"{path}: right{_monitors(config)}", error=True)
    return RIGHT


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        say(line, error=True)


def _warnings(config: Config | None) -> list[str]:
    return [f"note: {warning}" for warning in config.warnings] if config else []


def _unknown_models(config: Config) -> Iterator[str]:
    from zmhook.detectors.base import find

    for settings in (config.general, *config.monitors.values()):
        for name in settings.general.models:
            try:
                find(name)
            except DetectorError as error:
                yield f"{config.path}: {error}"


def _monitors(config: Config) -> str:
    numbers = ", ".join(map(str, sorted(config.monitors)))
    return f", with settings of its own for monitor {numbers}" if numbers else ""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook config",
        description="Check a configuration, print the reference of its keys, migrate an old one.",
    )
    actions = parser.add_subparsers(dest="action", required=True)
    checks = actions.add_parser(
        "check", help="tell everything that is wrong with it; exit code 0 right, 2 wrong"
    )
    checks.add_argument(
        "-c",
        "--config",
        default=os.environ.get("ZMHOOK_CONFIG", CONFIG),
        help="the file to check (default: %(default)s)",
    )
    checks.add_argument(
        "-O",
        "--override",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override a setting; may be repeated",
    )
    actions.add_parser("reference", help="print every key, what it allows and means, as Markdown")
    older = actions.add_parser("migrate", help="make an objectconfig.ini of an older file")
    migrate.add_arguments(older)
    return parser
