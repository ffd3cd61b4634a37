"""`zmhook service`: see how the service is, stop it, start it anew."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from zmhook.cli import where
from zmhook.cli.arguments import Parser
from zmhook.cli.output import complain, say, say_json
from zmhook.errors import ZmhookError
from zmhook.process.privilege import become_owner
from zmhook.service import client, running, start
from zmhook.service.paths import older_socket_path
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from zmhook.settings import Settings

DONE, FAILED, NOT_RUNNING, UNKNOWN = 0, 1, 3, 4
"""Exit codes; for `status` they are those of systemctl."""

STATUS_SECONDS = 5.0
START_SECONDS = 15.0
LOOK_EVERY = 0.1
ANSWERED = 200


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    config = where.absolute(args.config)
    try:
        settings = where.settings_of(config)
        place = where.socket_of(config, settings)
        older = older_socket_path(config, settings.general)
        become_owner(place.parent)
        if args.action == "status":
            return _status(place, settings, as_json=args.json)
        if args.action == "stop":
            _end_older(older, place, config)
            return max(_stop(place), _end_put_aside(place))
        _end_older(older, place, config)
        return _restart(config, place)
    except where.NotAllowed as error:
        return _complain(str(error), UNKNOWN)
    except OSError as error:
        raise ZmhookError(f"{error.filename or place}: {error.strerror}") from None


# -- status --------------------------------------------------------------------------------------


def _status(place: Path, settings: Settings, *, as_json: bool) -> int:
    if not running.is_running(place) and not _answers(place):
        return _not_running(place, settings, as_json=as_json)
    try:
        status = _asked(place)
    except client.NoService as error:
        return _complain(f"{_process(place)} does not answer: {error}", UNKNOWN)
    if as_json:
        say_json({"running": True, "socket": str(place), **status})
    else:
        _print_text(status, place)
    return DONE


def _not_running(place: Path, settings: Settings, *, as_json: bool) -> int:
    """Say so, and what answers have left to be done: that needs no service."""
    from zmhook.cli.service_text import backlog as in_words
    from zmhook.cli.tables import show
    from zmhook.jobs.enqueue import backlog
    from zmhook.jobs.spool import Spool

    base = settings.general.base_data_path
    become_owner(place.parent, Spool.of(base).folder)
    jobs = backlog(base)
    if as_json:
        say_json({"running": False, "socket": str(place), "jobs": jobs})
        return NOT_RUNNING
    if any(jobs[name] for name in ("waiting", "failed", "set_aside", "error")):
        show(in_words(jobs), sys.stdout)
    return _complain(f"no service runs at {place}", NOT_RUNNING)


def _asked(place: Path) -> dict[str, Any]:
    """Raise `NoService` when what answers is no service of ours."""
    answer = client.ask(place, "GET", "/status", STATUS_SECONDS)
    if answer.status != ANSWERED:
        raise client.NoService(f"{place}: answers with status {answer.status}")
    try:
        return decoded(answer.body, dict[str, Any])
    except Unreadable as error:
        raise client.NoService(f"{place}: answers what is not understood ({error})") from None


def _print_text(status: dict[str, Any], place: Path) -> None:
    from zmhook.cli.service_text import blocks
    from zmhook.cli.tables import show

    show(blocks(status, place, time.time()), sys.stdout)


# -- stop, restart -------------------------------------------------------------------------------


def _stop(place: Path) -> int:
    if not running.is_running(place):
        say(f"No service runs at {place}.")
        return DONE
    process = _process(place)
    if running.end(place):
        say(f"The service ({process}) has ended.")
    else:
        say(f"The service ({process}) did not end by itself and was killed.")
    return DONE


def _end_put_aside(place: Path) -> int:
    """End those that hung and were put aside for another: the kernel tells which processes."""
    code = DONE
    for theirs in start.still_hung(place):
        process = _process(theirs)
        try:
            running.kill_and_wait(theirs)
        except ZmhookError as error:
            code = _complain(str(error), FAILED)
        else:
            say(f"A service that hung and was put aside ({process}) was killed.")
    start.sweep(place)
    return code


def _end_older(older: Path, place: Path, config: str) -> None:
    """End what an earlier version runs for this configuration, at a socket with another name."""
    if older != place and running.serves(older, config):
        _stop(older)


def _process(place: Path) -> str:
    return f"process {running.pid_of(place) or '?'}"


def _restart(config: str, place: Path) -> int:
    """Stop the service and start one as a hook does, unless systemd does so when asked."""
    from zmhook.settings import load

    if not load(config).general.service.use_service:
        return _complain(f"{config}: [service] use_service is no: no service is started", FAILED)
    _stop(place)
    if _end_put_aside(place) != DONE:
        return FAILED
    if not _answers(place):
        start.start(config, place)
    if not _comes_up(place):
        return _complain(
            f"{place}: the service did not start; zmhook serve shows why on the terminal", FAILED
        )
    say(f"The service runs ({_process(place)}).")
    return DONE


def _comes_up(place: Path) -> bool:
    until = time.monotonic() + START_SECONDS
    while not _answers(place):
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_EVERY)
    return True


def _answers(place: Path) -> bool:
    """Say whether a service answers. systemd starts one when it is asked on its own socket."""
    try:
        return client.ask(place, "GET", "/health/live", STATUS_SECONDS).status == ANSWERED
    except client.NoService:
        return False


def _complain(message: str, code: int) -> int:
    complain(message)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="zmhook service", description="The service that keeps the models loaded.")
    actions = parser.add_subparsers(dest="action", required=True)
    status = actions.add_parser("status", help="how it is; exit code 0 running, 3 not running")
    status.add_argument("--json", action="store_true", help="print everything as JSON")
    stop = actions.add_parser("stop", help="let it finish what it is doing, then end it")
    restart = actions.add_parser("restart", help="stop it, and start it as a hook does")
    for action in (status, stop, restart):
        where.add_config(action)
    return parser
