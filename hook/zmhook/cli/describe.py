"""`zmhook describe`: describe pictures with the [gemini] settings, or show the request quota.

The exit code is 0 when every picture was described, 1 when one was not.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.cli.arguments import Parser, add_config, add_json, add_monitor, add_override
from zmhook.cli.output import complain, say, say_json
from zmhook.cli.rights import advised
from zmhook.errors import ModelSkipped, ZmhookError
from zmhook.exit_codes import DONE, FAILED
from zmhook.image.header import MAX_BYTES
from zmhook.printable import printable
from zmhook.process.privilege import become_owner, is_root
from zmhook.settings.model import folders_of
from zmhook.storage.regular import read

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from zmhook.describe.describer import Describer
    from zmhook.describe.description import Description, Subject
    from zmhook.settings import Gemini, Settings
    from zmhook.storage.quota import Usage


def main(argv: Sequence[str] | None = None) -> int:
    parser = make_parser()
    args = parser.parse_args(argv)
    if not (args.pictures or args.budget or args.question):
        parser.error("give a picture, --budget or --question")
    settings = _settings(args)
    pictures: Iterable[bytes | ZmhookError] = map(_picture, args.pictures)
    if is_root():  # read as root, before it becomes another user
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
        return DONE
    described = [
        _describe(describer, settings, subject, args, path, picture)
        for path, picture in zip(args.pictures, pictures, strict=True)
    ]
    if args.budget:
        _say_budget(describer.usage(), settings.gemini, as_json=args.json)
    return DONE if all(described) else FAILED


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
        description = describer.describe(
            picture, subject, Deadline(settings.general.event_deadline)
        )
    except ZmhookError as error:
        complain(advised(f"{path}: {error}"))
        if args.json:
            short = error.short if isinstance(error, ModelSkipped) else str(error)
            say_json({"picture": printable(path), "skipped": short}, indent=None)
        return False
    took = time.monotonic() - began
    if args.json:
        say_json({"picture": printable(path), **structs.asdict(description)}, indent=None)
    else:
        for line in _lines(path, description, took):
            say(line)
    return True


def _picture(path: str) -> bytes | ZmhookError:
    try:
        return read(path, MAX_BYTES, follow=True)
    except OSError as error:
        return ZmhookError(f"cannot be read: {error.strerror}")


def _lines(path: str, description: Description, took: float) -> list[str]:
    source = "cached" if description.cached else f"{description.model}, {took:.1f} s"
    label = f"{description.label} ({description.confidence:.0%})"
    lines = [
        f"{path}: {label}, alarm: {description.alarm}  [{source}]",
        f"  {description.description}",
    ]
    if description.attributes:
        pairs = (f"{name}: {value}" for name, value in description.attributes.items())
        lines.append(f"  {', '.join(pairs)}")
    return lines


def _say_budget(usage: Usage, gemini: Gemini, *, as_json: bool) -> None:
    minute, day = usage.counts
    per_minute, per_day = gemini.gemini_per_minute, gemini.gemini_per_day
    if as_json:
        limits = {"minute": minute, "day": day, "per_minute": per_minute, "per_day": per_day}
        say_json({"budget": {**limits, "held": usage.held, "until": usage.until}}, indent=None)
        return
    say(f"requests in the last minute: {_of(minute, per_minute)}")
    say(f"requests in the last 24 hours: {_of(day, per_day)}")
    if usage.held:
        from zmhook.storage.quota import clock_time

        say(f"no requests until {clock_time(usage.until)}: {usage.held}")


def _of(used: int, limit: int) -> str:
    return f"{used} of {limit}" if limit else f"{used} (no limit)"


def _subject(args: argparse.Namespace) -> Subject:
    from zmhook.describe.description import Subject

    monitor = str(args.monitor) if args.monitor is not None else ""
    return Subject(label=args.label, monitor=monitor, camera=args.camera, time=time.time())


def _settings(args: argparse.Namespace) -> Settings:
    from zmhook.settings import load

    needs_key = bool(args.pictures or args.budget)
    config = load(args.config, args.override, secrets_needed=needs_key)
    return config.apply().for_monitor(args.monitor)


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook describe",
        description="Describe pictures with the [gemini] settings. Makes real, billable requests.",
        examples=["zmhook describe photo.jpg --label car", "zmhook describe --budget"],
        epilog="Exit code: 0 all pictures were described, 1 one was not.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("pictures", nargs="*", metavar="PICTURE", help="picture file")
    add("-l", "--label", default="", help="what the picture shows, such as car (default: a scene)")
    add("--camera", default="", metavar="NAME", help="replaces {camera} in the prompt")
    add_monitor(parser, "use the settings of this monitor")
    add_config(parser)
    add_override(parser)
    add("--question", action="store_true", help="print the prompt; make no request")
    add("--budget", action="store_true", help="show used and remaining request quota")
    add_json(parser, "print one line of JSON per picture")
    return parser
