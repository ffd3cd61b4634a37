"""`zmhook snapshots status`: show what the collector is doing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from zmhook.cli import snapshots_run, tables
from zmhook.cli.output import complain, say_json
from zmhook.exit_codes import FAILED
from zmhook.process.privilege import become_owner
from zmhook.snapshots import status
from zmhook.snapshots.status import OUTCOMES
from zmhook.text.local_time import local_time

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from zmhook.snapshots.status import CollectorStatus, Totals

MOST_ROWS = 30
"""Topics, and reasons, that are shown; `--json` has the rest."""


def show_status(args: argparse.Namespace) -> int:
    """Return 0 when the collector is running, connected and storing, else 1."""
    folder = snapshots_run.settings_of(args).general.snapshots.snapshot_path
    become_owner(folder)
    collector = status.read(folder)
    if collector is None:
        complain(
            f"{folder}: no collector has stored anything there yet: start zmhook snapshots run, or"
            " correct snapshot_path in [snapshots]"
        )
        return FAILED
    if args.json:
        _print_json(collector)
    else:
        tables.show(_blocks(collector, folder), sys.stdout)
    return 0 if is_healthy(collector) else FAILED


def is_healthy(collector: CollectorStatus) -> bool:
    problem = collector.problem or collector.store_problem
    return collector.is_running and collector.connected and not problem


def _blocks(collector: CollectorStatus, folder: str) -> list[tables.Block]:
    blocks: list[tables.Block] = [
        _state(collector),
        f"broker {collector.broker}: {_connection(collector)}",
    ]
    blocks += [f"topics: {', '.join(collector.topics)}", f"store: {folder}: {_store(collector)}"]
    blocks.append(_counts(collector.counts))
    if collector.counts.topics:
        blocks.append(_topics(collector.counts))
    if collector.counts.unused:
        blocks.append(_unused(collector.counts))
    if collector.counts.cameras:
        blocks.append(_cameras(collector.counts))
    if collector.counts.handlers:
        blocks.append(_handlers(collector.counts))
    return blocks


def _state(collector: CollectorStatus) -> str:
    if collector.is_running:
        since = local_time(collector.counts.since)
        return f"The collector has been running since {since} (process {collector.pid})"
    how = "was stopped" if collector.ended else "ended unexpectedly"
    last = local_time(collector.at)
    return f"No collector is running: process {collector.pid} {how}; last status {last}"


def _connection(collector: CollectorStatus) -> str:
    if collector.problem:
        return collector.problem
    state = "connected" if collector.connected else "not connected"
    return f"{state} since {local_time(collector.since)}"


def _store(collector: CollectorStatus) -> str:
    waiting = f"{collector.waiting} messages waiting in memory"
    return f"{collector.store_problem}; {waiting}" if collector.store_problem else waiting


def _counts(totals: Totals) -> tables.Table:
    rows: list[tuple[str, object]] = [
        ("messages", totals.received),
        *((f"  {word}", getattr(totals.messages, name)) for name, word in OUTCOMES.items()),
        ("best snapshots", ""),
        ("  stored", totals.stored),
        ("  repeated", totals.repeated),
        ("  amended", totals.amended),
        *((f"  filtered: {reason}", number) for reason, number in totals.filtered.items()),
        *((f"unusable: {kind}", number) for kind, number in totals.unusable.items()),
        *((f"unusable parts: {kind}", number) for kind, number in totals.parts.items()),
    ]
    cells = [(what, str(number)) for what, number in rows]
    return tables.Table("Since the start", ("what", "count"), cells, frozenset({1}))


def _topics(totals: Totals) -> tables.Table:
    most = sorted(totals.topics.items(), key=lambda item: item[1].received, reverse=True)
    cells = [
        (topic, str(own.received), *(str(getattr(own, name)) for name in OUTCOMES))
        for topic, own in most[:MOST_ROWS]
    ]
    return tables.Table(
        _title("Messages by topic", most),
        ("topic", "received", *OUTCOMES.values()),
        cells,
        frozenset(range(1, 8)),
        optional=(1,),
        wrapped=frozenset({0}),
    )


def _unused(totals: Totals) -> tables.Table:
    cells = [
        (
            unused.topic,
            OUTCOMES.get(unused.outcome, unused.outcome),
            unused.reason,
            str(unused.number),
        )
        for unused in totals.unused[:MOST_ROWS]
    ]
    head = ("topic", "outcome", "reason", "count")
    return tables.Table(
        _title("Not stored", totals.unused), head, cells, frozenset({3}), wrapped=frozenset({0, 2})
    )


def _title(title: str, rows: Sequence[object]) -> str:
    more = len(rows) - MOST_ROWS
    return f"{title} ({more} more: --json)" if more > 0 else title


def _cameras(totals: Totals) -> tables.Table:
    newest = sorted(totals.cameras.items(), key=lambda item: item[1].received, reverse=True)
    cells = [
        (camera, local_time(last.received), last.label, str(last.number), str(last.stored))
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


def _print_json(collector: CollectorStatus) -> None:
    from msgspec import to_builtins

    plain = {
        **to_builtins(collector),
        "running": collector.is_running,
        "healthy": is_healthy(collector),
    }
    say_json(plain)
