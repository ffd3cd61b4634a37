"""`zmhook history`: show past decisions and the reasons."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from zmhook.cli import tables
from zmhook.cli.arguments import (
    Parser,
    add_config,
    add_json,
    add_limit,
    add_monitor,
    add_period,
    event_argument,
)
from zmhook.cli.output import complain, say, say_json
from zmhook.detection import Outcome
from zmhook.errors import NoState
from zmhook.exit_codes import DONE, FAILED
from zmhook.process.privilege import become_owner

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.history.read import DecisionFilter, History

LISTED = 50
COUNTED = "7d"


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    history = _open(args)
    action = {"list": _list, "show": _show, "stats": _stats}[args.action]
    try:
        return action(history, args)
    except NoState:
        if args.json:
            return _print_json([])
        if args.action == "show":
            raise
        say(f"No event has been recorded yet ({history.path}).")
        return DONE


def _open(args: argparse.Namespace) -> History:
    from zmhook.history.read import History
    from zmhook.settings import load

    config = load(args.config).apply()
    file = config.for_monitor(args.monitor).history.history_path
    become_owner(Path(file).parent)
    return History(file)


def _list(history: History, args: argparse.Namespace) -> int:
    from zmhook.cli import history_text

    entries = history.decisions(_filter(args))
    if args.json:
        return _print_json([history_text.as_json(entry, entry.at) for entry in entries])
    names = history.monitor_names()
    tables.show([history_text.listing(entries, str(history.path), names)], sys.stdout)
    return DONE


def _show(history: History, args: argparse.Namespace) -> int:
    from zmhook.cli import history_text

    records = history.of_event(args.event)
    if args.json:
        return _print_json(
            [history_text.as_json(record, record.decision.event.asked) for record in records]
        )
    if not records:
        complain(f"{history.path}: no decision on event {args.event} is recorded")
        return FAILED
    tables.show(history_text.all_explained(records), sys.stdout)
    return DONE


def _stats(history: History, args: argparse.Namespace) -> int:
    from msgspec import to_builtins

    from zmhook.cli import history_text

    days = history.days(_filter(args))
    if args.json:
        return _print_json([to_builtins(day) for day in days])
    names = history.monitor_names()
    tables.show([history_text.counted(days, str(history.path), names)], sys.stdout)
    return DONE


def _filter(args: argparse.Namespace) -> DecisionFilter:
    from zmhook.history.read import DecisionFilter

    return DecisionFilter(
        monitor_id=args.monitor,
        since=args.since,
        until=args.until,
        outcome=args.outcome,
        label=args.label,
        limit=args.limit or None,
    )


def _print_json(value: list[Any]) -> int:
    say_json(value)
    return DONE


# -- arguments -----------------------------------------------------------------------------------


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook history",
        description="Show past decisions and the reasons.",
        examples=["zmhook history list --since 2h", "zmhook history show 1022"],
    )
    listing = parser.add_command(
        "list",
        "list decisions, the newest first",
        examples=["zmhook history list -m 5 --outcome alarm --since 7d"],
    )
    _add_filters(listing, since=None, limit=LISTED)
    show = parser.add_command(
        "show",
        "show everything about an event: what was kept and dropped, and why",
        examples=["zmhook history show 1022"],
    )
    show.add_argument("event", type=event_argument, metavar="EVENT", help="event id")
    add_monitor(show, "use the history_path of this monitor")
    stats = parser.add_command(
        "stats",
        "count decisions and their times by monitor and day",
        examples=["zmhook history stats --since 30d"],
    )
    _add_filters(stats, since=COUNTED, limit=0)
    for command in (listing, show, stats):
        add_config(command)
        add_json(command)
    return parser


def _add_filters(parser: Parser, *, since: str | None, limit: int) -> None:
    add_monitor(parser, "only this monitor")
    add_period(parser, since)
    parser.add_argument("--outcome", choices=get_args(Outcome), help="only this outcome")
    parser.add_argument("--label", help="only events with this label, kept or dropped")
    add_limit(parser, limit)
