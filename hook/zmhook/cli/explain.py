"""`zmhook explain`: look at an event again, and say of each box what became of it.

Nothing is remembered of it: neither static objects nor cool-downs change.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser
from zmhook.cli.given import settle
from zmhook.cli.moment import event_argument, monitor_argument
from zmhook.cli.output import say
from zmhook.cli.where import add_config
from zmhook.errors import PortalError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.decide import Decided
    from zmhook.event import Event
    from zmhook.frames.file import FileSource
    from zmhook.settings import Config, Settings
    from zmhook.zoneminder.event_row import EventRow

FOUND, NOTHING, UNDECIDED = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(argv)
    if args.eventid is None and not args.file:
        parser.error("give an event's number, or --file for a picture without an event")
    from zmhook.settings import load

    config = load(args.config, args.override)
    file = settle(config.for_monitor(args.monitorid), args.file)
    event = _event(args, config)
    return explain(event, config.for_monitor(event.monitor_id), file, args.output_path)


def explain(event: Event, settings: Settings, file: str | FileSource = "", output: str = "") -> int:
    """Look at the event, print what became of each box, write the picture; return the exit code.

    The picture goes to `output`, or else to `image_path`.
    """
    from zmhook.decide import decide_event
    from zmhook.render.summary import explanation

    decided = decide_event(event, settings, file=file, dry=True)
    for line in explanation(decided.decision):
        say(line)
    if decided.frame is not None:
        say(zones_in_words(decided, settings, time.time()))
    if decided.frame is not None:
        from zmhook.report.files import write_debug_image

        say(f"picture with boxes and zones: {write_debug_image(decided, settings, output)}")
    return {"alarm": FOUND, "nothing": NOTHING}.get(decided.decision.outcome, UNDECIDED)


def zones_in_words(decided: Decided, settings: Settings, now: float) -> str:
    """Return which zones it was judged by, and how old those of ZoneMinder's are."""
    from zmhook.cli.service_text import age

    text = f"zones: {', '.join(zone.name for zone in decided.zones) or 'none'}"
    if not settings.gate.import_zm_zones:
        return text
    if decided.zones_asked is None:
        return f"{text}; ZoneMinder's are not known: it has not told them (see the log)"
    old = age(now - decided.zones_asked)
    seconds = f"{settings.gate.zm_cache_time:g} s"
    return f"{text}; ZoneMinder told its own {old} ago (zm_cache_time is {seconds})"


def _event(args: argparse.Namespace, config: Config) -> Event:
    """Return the event, with what only its row tells: its monitor, cause and folder."""
    from zmhook.event import Event

    monitor_id, cause, path = args.monitorid, args.reason, args.eventpath
    if args.eventid is not None and config.general.general.portal and monitor_id is None:
        row = _row(args.eventid, config)
        monitor_id = row.monitor_id
        cause = cause or row.notes or row.cause
    return Event(id=args.eventid, monitor_id=monitor_id, cause=cause, path=path)


def _row(event_id: int, config: Config) -> EventRow:
    from zmhook.zoneminder.api import Portal
    from zmhook.zoneminder.event_row import event_row

    with closing(Portal(config.general.general)) as portal:
        row = event_row(portal.event(event_id))
    if not row.monitor_id:
        raise PortalError(f"event {event_id}: its monitor is not told: give --monitorid")
    return row


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook explain",
        description="Look at an event again and say of each box what became of it. The picture "
        "with all boxes and zones is written beside.",
        epilog="What was decided at the time: zmhook history show EVENT.",
    )
    add = parser.add_argument
    add("eventid", type=event_argument, nargs="?", help="the event to look at")
    add_config(parser)
    add(
        "-m",
        "--monitorid",
        type=monitor_argument,
        metavar="MID",
        help="its monitor (default: the API tells)",
    )
    add("-p", "--eventpath", default="", metavar="FOLDER", help="the event's folder")
    add("-r", "--reason", default="", metavar="CAUSE", help="the event's cause")
    add("-f", "--file", metavar="PICTURE", help="look at this picture instead of an event's")
    add("-o", "--output-path", default="", metavar="FOLDER", help="where the picture goes")
    add(
        "-O",
        "--override",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="try another setting; may be repeated",
    )
    return parser
