"""`zmhook config migrate`: an older configuration becomes an objectconfig.ini."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.cli.output import say
from zmhook.errors import MissingPart, SettingsError
from zmhook.storage import atomic

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from zmhook.migrate import Migrated

RIGHT, WRONG = 0, 2
SECRETS_MODE = 0o640
_EVERYBODY = 0o007
_ALL_BITS = 0o777


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="objectconfig.ini of version 5 or 6, or Ng's objectconfig.yml"
    )
    parser.add_argument(
        "-o", "--output", default="", metavar="FILE", help="write it there, not to stdout"
    )
    parser.add_argument(
        "--secrets",
        default="",
        metavar="FILE",
        help="move passwords there, and what the old secrets file has; nothing there is changed",
    )
    parser.add_argument("--force", action="store_true", help="replace what is at --output")


def migrate(args: argparse.Namespace) -> int:
    """Write the result; tell on stderr what is not in it. Exit code 2 when it is not right."""
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
        return _failed([f"{error.filename or args.output}: {error.strerror}"])
    return _report(args, done)


def _refusal(args: argparse.Namespace) -> str:
    output = args.output
    if output and Path(output).exists() and Path(output).samefile(args.file):
        return f"{output}: is the file to read: give the new one another name"
    if output and os.path.lexists(output) and not args.force:
        return f"{output}: is there already; --force replaces it"
    if args.secrets and Path(args.secrets).suffix.lower() in (".yml", ".yaml"):
        return f"{args.secrets}: secrets are an ini file here: give it a name that ends so"
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
    """Write a file that belongs to whom `like` belongs to, as far as we may say so."""
    found = like.stat()
    owner = (found.st_uid, found.st_gid)
    atomic.write(target.resolve(), text.encode(), mode, durable=True, owner=owner)


def _report(args: argparse.Namespace, done: Migrated) -> int:
    for why, all_lost in done.lost.items():
        places = ", ".join(dict.fromkeys(lost.place for lost in all_lost))
        _tell(f"not carried over: {places}: {why}")
    for note in done.notes:
        _tell(f"note: {note}")
    if done.secrets is not None:
        _tell(f"{args.secrets}: written; the web server has to be able to read it")
    if done.problems:
        return _failed([*done.problems, "so the result cannot be used yet"])
    if args.output:
        _tell(f"{args.output}: written and right")
    return RIGHT


def _failed(lines: Iterable[str]) -> int:
    for line in lines:
        _tell(line)
    return WRONG


def _tell(line: str) -> None:
    say(line, error=True)
