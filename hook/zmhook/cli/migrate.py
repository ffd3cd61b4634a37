"""`zmhook config migrate`: convert an older configuration to an objectconfig.ini."""

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


def migrate(args: argparse.Namespace) -> int:
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
        return _failed([f"{error.filename or args.output}: {error.strerror}"])
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
        places = ", ".join(dict.fromkeys(lost.place for lost in all_lost))
        _complain(f"not carried over: {places}: {why}")
    for note in done.notes:
        _complain(f"note: {note}")
    if done.secrets is not None:
        _complain(f"{args.secrets}: written; the web server must be able to read it")
    if done.problems:
        return _failed([*done.problems, "the result cannot be used until this is corrected"])
    if args.output:
        _complain(f"{args.output}: written; the configuration is valid")
    return RIGHT


def _failed(lines: Iterable[str]) -> int:
    for line in lines:
        _complain(line)
    return WRONG


def _complain(line: str) -> None:
    say(line, error=True)
