"""`zmhook explain`: run detection on an event again, and explain what became of each box.

No state is saved: neither past objects nor cool-downs change.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from zmhook.cli import tables
from zmhook.cli.arguments import (
    Parser,
    add_config,
    add_monitor,
    add_option,
    add_override,
    event_argument,
)
from zmhook.cli.output import complain
from zmhook.errors import PortalError, ReportError
from zmhook.exit_codes import DETECTED, NOTHING, UNDECIDED
from zmhook.process.privilege import become_owner, is_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from zmhook.decide import Decided
    from zmhook.event import Event
    from zmhook.frames.file import FileSource
    from zmhook.settings import Config, Settings
    from zmhook.zoneminder.event_row import EventRow


def main(argv: Sequence[str] | None = None) -> int:
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.event is None and not args.file:
        parser.error("give an event id, or --file for a picture without an event")
    config = load_for(args.config, args.override, args.file)
    file = read_and_become_owner(config.for_monitor(args.monitor), args.file)
    event = _event(args, config)
    return explain(event, config.for_monitor(event.monitor_id), file, args.output_path)


def load_for(path: str, overrides: Sequence[str], file: str | None) -> Config:
    """Read the configuration; for a picture in a file it needs no secrets."""
    from zmhook.settings import load, load_without_secrets

    if not file:
        return load(path, overrides).apply()
    config = load_without_secrets(path, overrides).apply()
    if config.path == os.devnull != path:
        complain(config.warnings[0])
    return config


def explain(event: Event, settings: Settings, file: str | FileSource = "", output: str = "") -> int:
    """Decide the event, print what became of each box, write the picture; return the exit code.

    The picture goes to the folder `output`, or else to `image_path`, or else to the folder in
    which this was called.
    """
    from zmhook.chain import Chain
    from zmhook.decide import decide_event
    from zmhook.render.summary import explanation

    with closing(Chain.from_settings(settings)) as chain:
        chain.preload()
        decided = decide_event(event, settings, chain=chain, file=file, dry=True)
        lines = [*explanation(decided.decision), *(f"model {text}" for text in chain.loaded())]
    if decided.frame is not None:
        lines.append(zones_line(decided, settings, time.time()))
        lines.append(f"annotated picture: {_write_picture(decided, settings, output)}")
    tables.show(lines, sys.stdout)
    return {"alarm": DETECTED, "nothing": NOTHING}.get(decided.decision.outcome, UNDECIDED)


def _write_picture(decided: Decided, settings: Settings, output: str) -> Path | str:
    """Return the path of the picture, or why it was not written."""
    from zmhook.report.artifacts import write_debug_image

    folder = settings.general.image_path
    if not output and os.path.isdir(folder) and not os.access(folder, os.W_OK):  # noqa: PTH112
        output = "."
    try:
        return write_debug_image(decided, settings, output)
    except ReportError as error:
        return f"{error}; --output-path names another folder"


def read_and_become_owner(settings: Settings, file: str | None = None) -> str | FileSource:
    """As root, read the picture `file`, then become the owner of the data; return the picture.

    Other users get the name back, or "" without one. Raises `RightsError`.
    """
    from zmhook.settings.model import folders_of

    picture: str | FileSource = file or ""
    if file and is_root():  # root may have become another user for the settings
        from zmhook.frames.file import FileSource

        picture = FileSource(file, settings.general.max_picture_pixels)
        picture.read_now()
    become_owner(*folders_of(settings))
    return picture


def zones_line(decided: Decided, settings: Settings, now: float) -> str:
    """Return the zones that were used, and the age of those from ZoneMinder."""
    from zmhook.cli.service_text import age

    text = f"zones: {', '.join(zone.name for zone in decided.zones) or 'none'}"
    if not settings.gate.import_zm_zones:
        return text
    if decided.zones_asked is None:
        return f"{text}; ZoneMinder's zones could not be read (see the log)"
    read = age(now - decided.zones_asked)
    limit = f"zm_cache_time is {settings.gate.zm_cache_time:g} s"
    return f"{text}; read from ZoneMinder {read} ago ({limit})"


def _event(args: argparse.Namespace, config: Config) -> Event:
    """Return the event, with what only ZoneMinder knows of it: its monitor and cause."""
    from zmhook.event import Event

    monitor_id, cause = args.monitor, args.reason
    if args.event is not None and config.general.general.portal and monitor_id is None:
        row = _row(args.event, config)
        monitor_id = row.monitor_id
        cause = cause or row.notes or row.cause
    return Event(id=args.event, monitor_id=monitor_id, cause=cause, path=args.event_path)


def _row(event_id: int, config: Config) -> EventRow:
    from zmhook.zoneminder.api import Portal
    from zmhook.zoneminder.event_row import event_row

    with closing(Portal(config.general.general)) as portal:
        row = event_row(portal.event(event_id))
    if not row.monitor_id:
        raise PortalError(f"event {event_id}: ZoneMinder does not name its monitor: give --monitor")
    return row


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook explain",
        description="Run detection on an event again and explain why each box was kept or dropped."
        " The picture with all boxes and zones is written to a file. No state is saved, and no"
        " notification is sent.",
        examples=["zmhook explain 1022", "zmhook explain 1022 -O yolo.yolo_min_confidence=0.4"],
        epilog="For the decision made at the time: zmhook history show EVENT.",
    )
    add = parser.add_argument
    add("event", type=event_argument, nargs="?", metavar="EVENT", help="event id")
    add_monitor(parser, "monitor id (default: looked up through the API)")
    add_option(
        parser,
        *("-p", "--event-path"),
        hidden=["--eventpath"],
        default="",
        metavar="FOLDER",
        help="event folder",
    )
    add("-r", "--reason", default="", metavar="CAUSE", help="cause of the event")
    add("-f", "--file", metavar="PICTURE", help="use this picture instead of an event's")
    add(
        *("-o", "--output-path"),
        default="",
        metavar="FOLDER",
        help="where to write the annotated picture (default: image_path)",
    )
    add_config(parser)
    add_override(parser)
    return parser
