"""`zmhook config`: check a configuration, print the reference of its keys, migrate an old one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from zmhook.cli import migrate
from zmhook.cli.arguments import Parser
from zmhook.cli.output import say
from zmhook.errors import DetectorError, SettingsError
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from zmhook.settings import Config

CONFIG = "/etc/zm/objectconfig.ini"
RIGHT, BROKEN, WRONG = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    if args.action == "check":
        return check(args.config, args.override, live=args.live)
    if args.action == "migrate":
        return migrate.migrate(args)
    from zmhook.settings.reference import reference

    sys.stdout.write(reference())
    return RIGHT


def check(path: str, overrides: Sequence[str] = (), *, live: bool = False) -> int:
    """Tell on stderr what is wrong and what has no effect, and return the exit code.

    With `live` also try what it names, a line for each on stdout.
    """
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
    _tell(dict.fromkeys(_missing(config)))
    say(f"{path}: right{_monitors(config)}", error=True)
    return _tried(config, overrides) if live else RIGHT


def _missing(config: Config) -> Iterator[str]:
    """Name the models' files that are not there: right or not, an event would need them."""
    from zmhook.doctor.files import missing

    for settings in (config.general, *config.monitors.values()):
        for line in missing(settings):
            yield f"missing: {line}"


def _tried(config: Config, overrides: Sequence[str]) -> int:
    from zmhook.doctor.run import run
    from zmhook.doctor.trials import trials

    become_owner(*folders_of(config.general))
    everything = [config.general, *config.monitors.values()]
    works = True
    for outcome in run(trials(config, overrides), everything):
        word = "works " if outcome.works else "FAILS "
        say(f"{word} {outcome.name}: {outcome.said} ({outcome.seconds * 1000:.0f} ms)")
        works = works and outcome.works
    return RIGHT if works else BROKEN


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
        "check",
        help="tell everything that is wrong with it; exit code 0 right, 2 wrong, 1 with --live when"
        " something that it names does not work",
    )
    checks.add_argument(
        "--live",
        action="store_true",
        help="also try what it names: the portal, the broker, other machines, models, known faces",
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
