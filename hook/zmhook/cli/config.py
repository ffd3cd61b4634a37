"""`zmhook config`: check a configuration, print the reference of settings, migrate an old file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from zmhook.cli import migrate
from zmhook.cli.arguments import Parser, add_config, add_override
from zmhook.cli.output import say
from zmhook.errors import DetectorError, SettingsError
from zmhook.process.privilege import become_owner
from zmhook.settings.folders import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from zmhook.settings import Config

RIGHT, BROKEN, WRONG = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    if args.action == "check":
        return check(args.config, args.override, live=args.live)
    if args.action == "migrate":
        return migrate.migrate(args)
    from zmhook.settings.reference import reference

    sys.stdout.write(reference())
    return RIGHT


def check(path: str, overrides: Sequence[str] = (), *, live: bool = False) -> int:
    """Print errors and settings without effect on stderr, and return the exit code.

    With `live` also try everything that it names, with a line for each on stdout.
    """
    from zmhook.settings import load

    try:
        config = load(path, overrides)
    except SettingsError as error:
        _complain(map(str, error.problems))
        _complain(_warnings(error.config))
        return WRONG
    _complain(_warnings(config))
    problems = list(dict.fromkeys(_unknown_models(config)))
    _complain(problems)
    if problems:
        return WRONG
    _complain(dict.fromkeys(_missing(config)))
    say(f"{path}: valid{_monitors(config)}", error=True)
    return _try_all(config, overrides) if live else RIGHT


def _missing(config: Config) -> Iterator[str]:
    """Yield a line for each model file that is missing; the settings may be valid without it."""
    from zmhook.doctor.files import missing

    for settings in (config.general, *config.monitors.values()):
        for line in missing(settings):
            yield f"missing: {line}"


def _try_all(config: Config, overrides: Sequence[str]) -> int:
    from zmhook.doctor.run import run
    from zmhook.doctor.trials import trials

    become_owner(*folders_of(config.general))
    everything = [config.general, *config.monitors.values()]
    works = True
    for outcome in run(trials(config, overrides), everything):
        word = "works" if outcome.works else "FAILS"
        say(f"{word}  {outcome.name}: {outcome.message} ({outcome.seconds * 1000:.0f} ms)")
        works = works and outcome.works
    return RIGHT if works else BROKEN


def _complain(lines: Iterable[str]) -> None:
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
    return f", with own settings for monitor {numbers}" if numbers else ""


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook config",
        description="Check a configuration, print the reference of all settings, or migrate an"
        " older configuration.",
        examples=["zmhook config check --live"],
    )
    checks = parser.add_command(
        "check",
        "report every error in a configuration",
        examples=["zmhook config check", "zmhook config check --live -c test.ini"],
        epilog="Exit code: 0 valid, 2 not valid, 1 something failed with --live.",
    )
    add_config(checks)
    add_override(checks)
    checks.add_argument(
        "--live",
        action="store_true",
        help="also try what it names: portal, broker, remote servers, models, known faces",
    )
    parser.add_command(
        "reference",
        "print every setting with its values, default and description, as Markdown",
        examples=["zmhook config reference | less"],
    )
    older = parser.add_command(
        "migrate",
        "convert an older configuration to an objectconfig.ini",
        examples=["zmhook config migrate old.ini -o objectconfig.ini --secrets secrets.ini"],
    )
    migrate.add_arguments(older)
    return parser
