"""`zmhook describe`: try a question and a key on pictures by hand, and see what is left to ask.

The exit code is 0 when every picture was described, 1 when one was not.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.cli.arguments import Parser
from zmhook.cli.moment import monitor_argument
from zmhook.cli.output import complain, say, say_json
from zmhook.errors import ModelSkipped, ZmhookError
from zmhook.image.header import MAX_BYTES
from zmhook.printable import printable
from zmhook.process.privilege import become_owner, is_root
from zmhook.settings.folders import folders_of
from zmhook.storage.regular import read

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from zmhook.describe.answer import Description, Subject
    from zmhook.describe.budget import Left
    from zmhook.describe.describer import Describer
    from zmhook.settings import Settings

CONFIG = "/etc/zm/objectconfig.ini"
DESCRIBED, NOT_DESCRIBED, MISUSED = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    if not (args.pictures or args.budget or args.question):
        parser.error("give a picture, or --budget, or --question")
    settings = _settings(args)
    pictures: Iterable[bytes | ZmhookError] = map(_picture, args.pictures)
    if is_root():  # it reads what it is given before it becomes another
        pictures = list(pictures)
    become_owner(*folders_of(settings))

    from zmhook.describe.describer import Describer

    describer = Describer.from_settings(settings)
    try:
        return _run(describer, settings, args, pictures)
    finally:
        describer.close()


def _run(
    describer: Describer,
    settings: Settings,
    args: argparse.Namespace,
    pictures: Iterable[bytes | ZmhookError],
) -> int:
    subject = _subject(args)
    if args.question:
        for line in describer.question(subject).split("\n"):
            say(line)
        return DESCRIBED
    described = [
        _describe(describer, settings, subject, args, path, picture)
        for path, picture in zip(args.pictures, pictures, strict=True)
    ]
    if args.budget:
        _say_budget(describer.left(), as_json=args.json)
    return DESCRIBED if all(described) else NOT_DESCRIBED


def _describe(
    describer: Describer,
    settings: Settings,
    subject: Subject,
    args: argparse.Namespace,
    path: str,
    picture: bytes | ZmhookError,
) -> bool:
    from zmhook.deadline import Deadline

    began = time.monotonic()
    try:
        if isinstance(picture, ZmhookError):
            raise picture
        found = describer.describe(picture, subject, Deadline(settings.general.event_deadline))
    except ZmhookError as error:
        complain(f"{path}: {error}")
        if args.json:
            short = error.short if isinstance(error, ModelSkipped) else str(error)
            say_json({"picture": printable(path), "skipped": short}, indent=None)
        return False
    took = time.monotonic() - began
    if args.json:
        say_json({"picture": printable(path), **structs.asdict(found)}, indent=None)
    else:
        for line in _lines(path, found, took):
            say(line)
    return True


def _picture(path: str) -> bytes | ZmhookError:
    try:
        return read(path, MAX_BYTES, follow=True)
    except OSError as error:
        return ZmhookError(f"cannot be read: {error.strerror}")


def _lines(path: str, found: Description, took: float) -> list[str]:
    whence = "answered before" if found.cached else f"{found.model}, {took:.1f} s"
    lines = [
        f"{path}: {found.label} ({found.confidence:.0%}), alarm: {found.alarm}  [{whence}]",
        f"  {found.description}",
    ]
    if found.attributes:
        pairs = (f"{name}: {value}" for name, value in found.attributes.items())
        lines.append(f"  {', '.join(pairs)}")
    return lines


def _say_budget(left: Left, *, as_json: bool) -> None:
    if as_json:
        say_json({"budget": left._asdict()}, indent=None)
        return
    say(f"asked in the last minute: {_of(left.minute, left.per_minute)}")
    say(f"asked in the last 24 hours: {_of(left.day, left.per_day)}")
    if left.held:
        from zmhook.describe.unanswered import clock_time

        say(f"the service wants us to wait until {clock_time(left.until)}: {left.held}")


def _of(asked: int, limit: int) -> str:
    return f"{asked} of {limit}" if limit else f"{asked} (no limit)"


def _subject(args: argparse.Namespace) -> Subject:
    from zmhook.describe.answer import Subject

    monitor = str(args.monitorid) if args.monitorid is not None else ""
    return Subject(label=args.label, monitor=monitor, camera=args.camera, time=time.time())


def _settings(args: argparse.Namespace) -> Settings:
    from zmhook.settings import load

    return load(args.config, args.override).for_monitor(args.monitorid)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook describe",
        description="Have pictures described as [gemini] says: the whole way, with its cost.",
        epilog="Exit code: 0 every picture was described, 1 one was not.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("pictures", nargs="*", metavar="PICTURE", help="a picture file")
    add(
        "-c",
        "--config",
        default=os.environ.get("ZMHOOK_CONFIG", CONFIG),
        help="objectconfig.ini (default: %(default)s)",
    )
    add(
        "-m",
        "--monitorid",
        type=monitor_argument,
        metavar="MID",
        help="with the settings of this monitor",
    )
    add("-l", "--label", default="", help="what is on them, such as car (default: a whole scene)")
    add("--camera", default="", metavar="NAME", help="what {camera} stands for")
    add(
        "-O",
        "--override",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="override a setting; may be repeated",
    )
    add("--question", action="store_true", help="print what would be asked, and ask nothing")
    add("--budget", action="store_true", help="tell how many questions were asked, and may be")
    add("--json", action="store_true", help="print a line of JSON for each picture")
    return parser
