"""`zmhook status`: is it on, when was the last event of each monitor, and what came of it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from zmhook.cli.arguments import Parser, absolute_config, add_config, add_json
from zmhook.cli.output import say, say_json
from zmhook.cli.service import socket_of
from zmhook.cli.service_text import age
from zmhook.errors import NoState, SettingsError, StateError
from zmhook.exit_codes import DONE, FAILED
from zmhook.history.read import DecisionFilter, History
from zmhook.jobs.enqueue import backlog
from zmhook.process.privilege import become_owner
from zmhook.render.line import words_of
from zmhook.service import client, running
from zmhook.settings import Settings, load
from zmhook.settings.model import folders_of
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from zmhook.cli.tables import Block
    from zmhook.history.schema import HistoryEntry

SECONDS = 3.0


class LastEvent(Struct, frozen=True, kw_only=True):
    """What came of a monitor's last event; `at` is when, in seconds since the epoch."""

    monitor_id: int | None
    monitor: str
    event_id: int
    at: float
    outcome: str
    result: str


class Overview(Struct, frozen=True, kw_only=True):
    """`service` is None where none runs; `starts` says whether the next event starts one.

    `config_error` is what is wrong with the configuration: no new service starts with it, and one
    that runs keeps the last that was right.
    """

    starts: bool
    service: dict[str, Any] | None
    config_error: str
    problem: str
    jobs_waiting: int
    jobs_failed: int
    monitors: list[LastEvent]


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    config = absolute_config(args.config)
    settings, config_error = _loaded(config)
    become_owner(*folders_of(settings))
    overview = _overview(settings, socket_of(config, settings), config_error)
    if args.json:
        say_json(overview)
    else:
        from zmhook.cli.tables import show

        show(_blocks(overview, time.time()), sys.stdout)
        say()
        say("zmhook doctor checks everything; zmhook history list shows more events.")
    return FAILED if config_error else DONE


def _loaded(path: str) -> tuple[Settings, str]:
    """Return the settings as far as they can be read, and what is wrong with them."""
    try:
        return load(path).apply().general, ""
    except SettingsError as error:
        config = error.config.apply().general if error.config else Settings()
        return config, str(error.problems[0])


def _overview(settings: Settings, socket: Path, config_error: str) -> Overview:
    jobs = backlog(settings.general.base_data_path)
    monitors, problem = _monitors(settings)
    return Overview(
        starts=settings.service.use_service,
        service=_service(socket),
        config_error=config_error,
        problem=problem or jobs["error"],
        jobs_waiting=jobs["waiting"],
        jobs_failed=jobs["failed"] + jobs["set_aside"],
        monitors=monitors,
    )


def _service(socket: Path) -> dict[str, Any] | None:
    """Return what a running service says of itself; asking starts none."""
    if not running.is_running(socket):
        return None
    try:
        status = decoded(client.ask(socket, "GET", "/status", SECONDS).body, dict[str, Any])
    except (client.NoService, Unreadable) as error:
        return {"problem": str(error)}
    return {key: status.get(key) for key in ("pid", "version", "uptime_s", "config_error", "queue")}


# -- monitors --------------------------------------------------------------------------------------


def _monitors(settings: Settings) -> tuple[list[LastEvent], str]:
    """Return the last event of each monitor, and why that is not known."""
    if not settings.history.record_history:
        return [], "decisions are not recorded ([history] record_history)"
    history = History(settings.history.history_path)
    try:
        names = history.monitor_names()
        return [event for number in sorted(names) for event in _last(history, number, names)], ""
    except NoState:
        return [], ""
    except StateError as error:
        return [], str(error)


def _last(history: History, monitor: int, names: dict[int, str]) -> Iterator[LastEvent]:
    for entry in history.decisions(DecisionFilter(monitor_id=monitor, limit=1)):
        yield LastEvent(
            monitor_id=monitor,
            monitor=names[monitor],
            event_id=entry.event_id,
            at=entry.at,
            outcome=entry.outcome,
            result=_result(entry),
        )


def _result(entry: HistoryEntry) -> str:
    if entry.outcome == "alarm":
        return words_of(entry.line)
    if entry.outcome == "undecided":
        return entry.error
    return ", ".join(f"{count} dropped by {rule}" for rule, count in entry.drops.items())


# -- text ------------------------------------------------------------------------------------------


def _blocks(overview: Overview, now: float) -> Iterator[Block]:
    yield _state(overview)
    if overview.problem:
        yield f"PROBLEM: {overview.problem}"
    if overview.jobs_waiting or overview.jobs_failed:
        counts = f"{overview.jobs_waiting} wait, {overview.jobs_failed} failed within a day"
        yield f"background jobs (messages, notes, tags): {counts}"
    if overview.monitors:
        yield _table(overview.monitors, now)
    elif not overview.problem:
        yield "No event was decided yet."


def _state(overview: Overview) -> str:
    service = overview.service
    if service is None and overview.config_error:
        return f"zmhook is off: its configuration is wrong: {overview.config_error}"
    if service is None:
        how = "the next event starts the service" if overview.starts else "without a service"
        return f"zmhook is on: {how}"
    problem = service.get("problem") or overview.config_error or service.get("config_error")
    if problem:
        return f"zmhook is on, with a PROBLEM: {problem}"
    up = age(service.get("uptime_s") or 0)
    waiting = (service.get("queue") or {}).get("waiting", 0)
    return (
        f"zmhook is on: version {service.get('version')} has been running for {up}"
        f" (process {service.get('pid')}), {waiting} events wait"
    )


def _table(events: Sequence[LastEvent], now: float) -> Block:
    from zmhook.cli.tables import Table

    rows = [
        (
            f"{event.monitor_id} {event.monitor}".strip(),
            str(event.event_id),
            f"{age(now - event.at)} ago",
            event.outcome,
            event.result,
        )
        for event in events
    ]
    head = ("monitor", "event", "when", "outcome", "what")
    return Table(
        "Last event of each monitor", head, rows, frozenset({1}), wrapped=frozenset({0, 4})
    )


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook status",
        description="Show whether zmhook is on, when each monitor had its last event, and what"
        " came of it.",
        examples=["zmhook status", "zmhook status --json"],
        epilog="Exit code: 0 the configuration is right, 1 it is not.",
    )
    add_json(parser)
    add_config(parser)
    return parser
