"""`zmhook snapshots status`: what the collector is doing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from zmhook.cli import snapshots_run, tables
from zmhook.cli.arguments import Parser
from zmhook.cli.output import complain, say_json
from zmhook.process.privilege import become_owner
from zmhook.snapshots import status
from zmhook.snapshots.counts import Messages

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.snapshots.counts import Totals
    from zmhook.snapshots.status import Status

NOT_WELL = 1
MOST_ROWS = 30
"""Of topics, and of reasons, that are shown; the rest is in the JSON."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 when the collector runs, is connected and stores, else 1."""
    args = _parser().parse_args(argv)
    folder = snapshots_run.settings_of(args).general.snapshots.snapshot_path
    become_owner(folder)
    found = status.read(folder)
    if found is None:
        complain(f"no collector has written to {folder} yet")
        return NOT_WELL
    if args.json:
        _print_json(found)
    else:
        tables.show(_blocks(found, folder), sys.stdout)
    return 0 if is_well(found) else NOT_WELL


def is_well(found: Status) -> bool:
    return found.is_running and found.connected and not (found.problem or found.store_problem)


def _blocks(found: Status, folder: str) -> list[tables.Block]:
    blocks: list[tables.Block] = [_state(found), f"broker {found.broker}: {_connection(found)}"]
    blocks += [f"topics: {', '.join(found.topics)}", f"store: {folder}: {_store(found)}"]
    blocks.append(_counts(found.counts))
    if found.counts.topics:
        blocks.append(_topics(found.counts))
    if found.counts.unused:
        blocks.append(_unused(found.counts))
    if found.counts.cameras:
        blocks.append(_cameras(found.counts))
    if found.counts.handlers:
        blocks.append(_handlers(found.counts))
    return blocks


def _state(found: Status) -> str:
    if found.is_running:
        return f"The collector runs (process {found.pid}), since {_time(found.counts.since)}"
    how = "ended" if found.ended else "is gone without having ended"
    return f"No collector runs: process {found.pid} {how}; it wrote last {_time(found.at)}"


def _connection(found: Status) -> str:
    if found.problem:
        return found.problem
    return f"{'connected' if found.connected else 'not connected'} since {_time(found.since)}"


def _store(found: Status) -> str:
    waiting = f"{found.waiting} messages wait in memory"
    return f"{found.store_problem}; {waiting}" if found.store_problem else waiting


def _counts(totals: Totals) -> tables.Table:
    rows = [
        ("messages received", totals.received),
        *_messages(totals.messages),
        ("snapshots stored", totals.stored),
        ("snapshots that came again", totals.again),
        ("snapshots amended later", totals.amended),
        *((f"not kept: {reason}", number) for reason, number in totals.filtered.items()),
        *((f"of no use: {kind}", number) for kind, number in totals.broken.items()),
        *((f"parts of no use: {kind}", number) for kind, number in totals.parts.items()),
    ]
    cells = [(what, str(number)) for what, number in rows]
    return tables.Table("Since it began", ("what", "number"), cells, frozenset({1}))


def _messages(messages: Messages) -> list[tuple[str, int]]:
    """Return what became of the messages: these add up to those received."""
    return [
        ("  stored", messages.stored),
        ("  that came again", messages.again),
        ("  not kept", messages.filtered),
        ("  without a picture", messages.no_picture),
        ("  of no use", messages.of_no_use),
        ("  dropped for want of room (QoS 0)", messages.dropped),
    ]


def _topics(totals: Totals) -> tables.Table:
    most = sorted(totals.topics.items(), key=lambda item: item[1].received, reverse=True)
    cells = [
        (topic, *(str(getattr(own, name)) for name in Messages.__struct_fields__))
        for topic, own in most[:MOST_ROWS]
    ]
    head = ("topic", *(name.replace("_", " ") for name in Messages.__struct_fields__))
    return tables.Table(_title("Messages by topic", most), head, cells, frozenset(range(1, 8)))


def _unused(totals: Totals) -> tables.Table:
    cells = [
        (one.topic, one.outcome.replace("_", " "), one.reason, str(one.number))
        for one in totals.unused[:MOST_ROWS]
    ]
    head = ("topic", "messages", "why", "number")
    return tables.Table(_title("Not stored", totals.unused), head, cells, frozenset({3}))


def _title(title: str, rows: Sequence[object]) -> str:
    more = len(rows) - MOST_ROWS
    return f"{title} ({more} more: --json)" if more > 0 else title


def _cameras(totals: Totals) -> tables.Table:
    newest = sorted(totals.cameras.items(), key=lambda item: item[1].received, reverse=True)
    cells = [
        (camera, _time(last.received), last.label, str(last.number), str(last.stored))
        for camera, last in newest
    ]
    head = ("camera", "last snapshot", "class", "number", "stored")
    return tables.Table("Cameras", head, cells, frozenset({3, 4}))


def _handlers(totals: Totals) -> tables.Table:
    cells = [
        (name, str(own.done), str(own.failed), str(own.hung), str(own.dropped))
        for name, own in totals.handlers.items()
    ]
    head = ("handler", "done", "failed", "hung", "dropped")
    return tables.Table("Handlers", head, cells, frozenset({1, 2, 3, 4}))


def _print_json(found: Status) -> None:
    from msgspec import to_builtins

    plain = {**to_builtins(found), "running": found.is_running, "well": is_well(found)}
    say_json(plain)


def _time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="zmhook snapshots status",
        description="What the collector is doing. Exit code 0: it runs, is connected and stores.",
    )
    snapshots_run.add_settings(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser
