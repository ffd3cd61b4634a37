"""`zmhook config`: check a configuration, print the reference of settings, migrate an old file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser, add_config, add_override
from zmhook.cli.output import say
from zmhook.cli.rights import advised
from zmhook.errors import DetectorError, MissingPart, SettingsError
from zmhook.process.privilege import become_owner
from zmhook.settings.model import folders_of
from zmhook.storage import atomic

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from zmhook.migrate import Migrated
    from zmhook.settings import Config

VALID, BROKEN, INVALID = 0, 1, 2
SECRETS_MODE = 0o640
_EVERYBODY = 0o007
_ALL_BITS = 0o777


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    if args.action == "check":
        return check(args.config, args.override, live=args.live)
    if args.action == "migrate":
        return _migrate(args)
    from zmhook.settings.reference import reference

    sys.stdout.write(reference())
    return VALID


def check(path: str, overrides: Sequence[str] = (), *, live: bool = False) -> int:
    """Print errors and settings without effect on stderr, and return the exit code.

    With `live` also try everything that it names, with a line for each on stdout.
    """
    from zmhook.settings import load

    try:
        config = load(path, overrides).apply()
    except SettingsError as error:
        _complain(map(advised, error.problems))
        _complain(_warnings(error.config))
        return INVALID
    _complain(_warnings(config))
    problems = list(dict.fromkeys(_unknown_models(config)))
    _complain(problems)
    if problems:
        return INVALID
    _complain(dict.fromkeys(_missing(config)))
    say(f"{path}: valid{_monitors(config)}", error=True)
    return _try_all(config, overrides) if live else VALID


def _missing(config: Config) -> Iterator[str]:
    """Yield a line for each model file that is missing; the settings may be valid without it."""
    from zmhook.doctor.files import missing

    for settings in config.in_force():
        for line in missing(settings):
            yield f"missing: {line}"


def _try_all(config: Config, overrides: Sequence[str]) -> int:
    from zmhook.doctor.trials import run, trials

    become_owner(*folders_of(config.general))
    everything = config.in_force()
    works = True
    for outcome in run(trials(config, overrides), everything):
        word = "works" if outcome.works else "FAILS"
        text = named_once(outcome.name, outcome.message)
        say(f"{word}  {text} ({outcome.seconds * 1000:.0f} ms)")
        works = works and outcome.works
    return VALID if works else BROKEN


def named_once(name: str, message: str) -> str:
    """Return the message after the name, without a word of the name that begins the message."""
    first, _, rest = message.partition(" ")
    is_named = first.rstrip(":") in name.split()
    return f"{name}: {rest if is_named else message}"


def _complain(lines: Iterable[str]) -> None:
    for line in lines:
        _print(line)


def _warnings(config: Config | None) -> list[str]:
    return [f"note: {warning}" for warning in config.warnings] if config else []


def _unknown_models(config: Config) -> Iterator[str]:
    from zmhook.detectors.base import find

    for settings in config.in_force():
        for name in settings.general.models:
            try:
                find(name)
            except DetectorError as error:
                yield f"{config.path}: {error}"


def _monitors(config: Config) -> str:
    numbers = ", ".join(map(str, sorted(config.monitors)))
    return f", with own settings for monitor {numbers}" if numbers else ""


# -- migrate -------------------------------------------------------------------------------------


def _migrate(args: argparse.Namespace) -> int:
    """Write the result, and report on stderr what it lacks; return 2 when it is not valid."""
    from zmhook.migrate import migrate as convert

    try:
        refusal = _refusal(args)
        if refusal:
            return _failed([refusal])
        done = convert(args.file, args.output, args.secrets)
        _write(args, done)
    except SettingsError as error:
        return _failed(map(str, error.problems))
    except MissingPart as error:
        return _failed([str(error)])
    except OSError as error:
        return _failed([advised(f"{error.filename or args.output}: {error.strerror}")])
    return _report(args, done)


def _refusal(args: argparse.Namespace) -> str:
    output = args.output
    if output and Path(output).exists() and Path(output).samefile(args.file):
        return f"{output}: cannot overwrite the file being read; choose another name"
    if output and os.path.lexists(output) and not args.force:
        return f"{output}: already exists; --force overwrites it"
    if args.secrets and Path(args.secrets).suffix.lower() in (".yml", ".yaml"):
        return f"{args.secrets}: the secrets file must be an ini file, such as secrets.ini"
    return ""


def _write(args: argparse.Namespace, done: Migrated) -> None:
    like = Path(args.file)
    if done.secrets is not None:
        target = Path(args.secrets)
        if target.exists():
            _put(target, done.secrets, target, target.stat().st_mode & _ALL_BITS)
        else:
            _put(target, done.secrets, like, SECRETS_MODE)
    if args.output:
        mode = like.stat().st_mode & _ALL_BITS
        _put(Path(args.output), done.text, like, mode & ~_EVERYBODY if done.has_plain else mode)
    else:
        sys.stdout.write(done.text)


def _put(target: Path, text: str, like: Path, mode: int) -> None:
    """Write a file with the owner of the file `like`, as far as permissions allow."""
    status = like.stat()
    owner = (status.st_uid, status.st_gid)
    atomic.write(target.resolve(), text.encode(), mode, durable=True, owner=owner)


def _report(args: argparse.Namespace, done: Migrated) -> int:
    for why, all_lost in done.lost.items():
        locations = ", ".join(dict.fromkeys(lost.location for lost in all_lost))
        _print(f"not carried over: {locations}: {why}")
    for note in done.notes:
        _print(f"note: {note}")
    if done.secrets is not None:
        _print(f"{args.secrets}: written; the web server must be able to read it")
    if done.problems:
        return _failed([*done.problems, "the result cannot be used until this is corrected"])
    if args.output:
        _print(f"{args.output}: written; the configuration is valid")
    return VALID


def _print(line: str) -> None:
    say(line, error=True)


def _failed(lines: Iterable[str]) -> int:
    _complain(lines)
    return INVALID


# -- arguments -----------------------------------------------------------------------------------


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
    _add_migrate_arguments(older)
    return parser


def _add_migrate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="objectconfig.ini of version 5 or 6, or objectconfig.yml of Ng"
    )
    parser.add_argument(
        "-o", "--output", default="", metavar="FILE", help="write to this file instead of stdout"
    )
    parser.add_argument(
        "--secrets",
        default="",
        metavar="FILE",
        help="add passwords and the old file's secrets to this file; existing entries stay",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing --output file")
