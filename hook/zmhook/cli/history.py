"""`zmhook history`: look up what was decided, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from zmhook.cli import tables, where
from zmhook.cli.arguments import Parser
from zmhook.cli.moment import (
    event_argument,
    moment_argument,
    monitor_argument,
    number_argument,
)
from zmhook.cli.output import complain, say_json
from zmhook.detection import Outcome
from zmhook.process.privilege import become_owner

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.history.read import History, Wanted

DONE, NOTHING = 0, 1
LISTED = 50
COUNTED = "7d"
FORM = "2026-03-20, '2026-03-20 10:17', or 2h (30m, 7d) ago"


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    history = _open(args)
    ask = {"list": _list, "show": _show, "stats": _stats}[args.action]
    return ask(history, args)


def _open(args: argparse.Namespace) -> History:
    from zmhook.history.read import History
    from zmhook.settings import load

    config = load(args.config)
    file = config.for_monitor(args.monitor).history.history_path
    become_owner(Path(file).parent)
    return History(file)


def _list(history: History, args: argparse.Namespace) -> int:
    from zmhook.cli import history_text

    found = history.decisions(_wanted(args))
    if args.json:
        return _print_json([history_text.as_json(one, one.at) for one in found])
    tables.show([history_text.listing(found, str(history.path))], sys.stdout)
    return DONE


def _show(history: History, args: argparse.Namespace) -> int:
    from zmhook.cli import history_text

    found = history.of_event(args.event)
    if not found:
        complain(f"{history.path} has nothing of event {args.event}")
        return NOTHING
    if args.json:
        return _print_json([history_text.as_json(one, one.decision.event.asked) for one in found])
    tables.show(history_text.all_explained(found), sys.stdout)
    return DONE


def _stats(history: History, args: argparse.Namespace) -> int:
    from msgspec import to_builtins

    from zmhook.cli import history_text

    days = history.days(_wanted(args))
    if args.json:
        return _print_json([to_builtins(day) for day in days])
    tables.show([history_text.counted(days, str(history.path))], sys.stdout)
    return DONE


def _wanted(args: argparse.Namespace) -> Wanted:
    from zmhook.history.read import Wanted

    return Wanted(
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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="zmhook history", description="What was decided for each event, and why.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    listing = _action(actions, "list", "the decisions, newest first")
    _add_filters(listing, since=None, limit=LISTED)
    shown = _action(actions, "show", "everything about one event: what was kept, dropped, and why")
    shown.add_argument("event", type=event_argument, metavar="EVENT", help="the event's id")
    shown.add_argument(
        "--monitor", type=monitor_argument, metavar="N", help="read this monitor's history_path"
    )
    counted = _action(actions, "stats", "counts and times by monitor and day")
    _add_filters(counted, since=COUNTED, limit=0)
    return parser


def _action(actions: Any, name: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=what, description=what)
    where.add_config(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_filters(parser: argparse.ArgumentParser, *, since: str | None, limit: int) -> None:
    parser.add_argument("--monitor", type=monitor_argument, metavar="N", help="of this monitor")
    default = f"; default: {since}" if since else ""
    parser.add_argument(
        "--since", type=moment_argument, default=since, metavar="TIME", help=f"{FORM}{default}"
    )
    parser.add_argument("--until", type=moment_argument, metavar="TIME", help="the same")
    parser.add_argument("--outcome", choices=get_args(Outcome), help="with this outcome")
    parser.add_argument(
        "--label", metavar="LABEL", help="in which this was found, whether it counted or not"
    )
    parser.add_argument(
        "--limit",
        type=number_argument,
        default=limit,
        metavar="N",
        help="the newest N (0: all; default: %(default)s)",
    )
