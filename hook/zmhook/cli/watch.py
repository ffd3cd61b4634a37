"""`zmhook watch`: call the hook for ZoneMinder's new events, where nothing else does."""

from __future__ import annotations

import logging
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from zmhook.cli.arguments import Parser, absolute_config, add_config, add_json
from zmhook.cli.output import say, say_json
from zmhook.errors import ZmhookError
from zmhook.exit_codes import DONE, FAILED
from zmhook.net.urls import shown
from zmhook.process.privilege import become_owner
from zmhook.settings import load
from zmhook.settings.model import folders_of
from zmhook.text.local_time import local_time
from zmhook.watch import status

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from zmhook.cli.tables import Block
    from zmhook.settings import Config
    from zmhook.watch.status import WatchStatus

NEVER = "zmhook watch has not run yet. sudo systemctl enable --now zmhook-watch.service starts it."

log = logging.getLogger("zmhook.watch")


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    return _run(args) if args.action == "run" else _show_status(args)


def _run(args: Namespace) -> int:
    path = absolute_config(args.config)
    config = load(path).apply()
    become_owner(*folders_of(config.general))
    from zmhook.logs import Logs

    logs = Logs(config.general, None, debug=args.debug)
    try:
        for warning in config.warnings:
            log.warning("%s", warning)
        _watch(config, path)
    except ZmhookError as error:
        log.error("%s", error)  # noqa: TRY400 - it was made to be read
        return FAILED
    finally:
        logs.close()
    return DONE


def _watch(config: Config, path: str) -> None:
    from zmhook.process.startup import Signals
    from zmhook.watch.hooks import Hooks
    from zmhook.watch.watcher import SIGNALS, Watcher
    from zmhook.zoneminder.api import Portal

    with closing(Portal(config.general.general)) as portal, Signals(SIGNALS) as signals:
        Watcher(config, portal, Hooks(path)).run(signals)


def _show_status(args: Namespace) -> int:
    """Return 0 when it is running and ZoneMinder answers, else 1."""
    settings = load(absolute_config(args.config)).apply().general
    folder = status.folder_of(settings.general.base_data_path)
    become_owner(folder)
    watch, is_running = status.read(folder), status.is_running(folder)
    if watch is None:
        say_json({"running": False}) if args.json else say(NEVER)
        return FAILED
    if args.json:
        from msgspec import to_builtins

        say_json({"running": is_running, **to_builtins(watch)})
    else:
        from zmhook.cli.tables import show

        show(_blocks(watch, is_running=is_running), sys.stdout)
    return DONE if is_running and not watch.problem else FAILED


def _blocks(watch: WatchStatus, *, is_running: bool) -> list[Block]:
    from zmhook.cli.tables import Table

    counts = watch.counts
    rows = [
        ("alarm", counts.alarm),
        ("nothing detected", counts.nothing),
        ("no decision", counts.undecided),
        ("hook failed", counts.failed),
        ("left out: too old", counts.old),
        ("left out: too many", counts.too_many),
    ]
    cells = [(what, str(number)) for what, number in rows]
    title = f"Events since {local_time(watch.since)}"
    return [
        _process(watch, is_running=is_running),
        f"{shown(watch.position.portal)}: {watch.problem or 'answers'}",
        _last(watch),
        Table(title, ("outcome", "count"), cells, frozenset({1})),
    ]


def _process(watch: WatchStatus, *, is_running: bool) -> str:
    if is_running:
        return f"zmhook watch is running (process {watch.pid})"
    how = "was stopped" if watch.ended else "ended unexpectedly"
    return f"zmhook watch is not running: it {how} ({local_time(watch.at)})"


def _last(watch: WatchStatus) -> str:
    now = f"{watch.in_progress} in progress, {watch.waiting} waiting"
    if not watch.last_event:
        return f"no event yet; {now}"
    return f"last event: {watch.last_event}, {local_time(watch.last_time)}; {now}"


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook watch",
        description="Ask ZoneMinder for new events, and call the hook for each: for ZoneMinder"
        " 1.36 without a notification server. 1.38 calls the hook itself (EventStartCommand).",
        examples=["zmhook watch run", "zmhook watch status"],
    )
    run = parser.add_command(
        "run", "watch, in the foreground", examples=["zmhook watch run --debug"]
    )
    add_config(run)
    run.add_argument("-d", "--debug", action="store_true", help="log everything")
    state = parser.add_command(
        "status",
        "show whether it is running, and what came of the events",
        examples=["zmhook watch status --json"],
        epilog="Exit code: 0 it is running and ZoneMinder answers; else 1.",
    )
    add_config(state)
    add_json(state)
    return parser
