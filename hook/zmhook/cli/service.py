"""`zmhook service`: show, stop or restart the background service."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from zmhook.cli.arguments import (
    Parser,
    absolute_config,
    add_config,
    add_json,
)
from zmhook.cli.output import complain, say, say_json
from zmhook.cli.rights import advised
from zmhook.errors import SettingsError, StateError, ZmhookError
from zmhook.exit_codes import DONE, FAILED
from zmhook.process.privilege import become_owner, name_of
from zmhook.service import client, running, start
from zmhook.service.paths import older_socket_path, socket_path
from zmhook.settings.model import RUN
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from zmhook.settings import Settings

NOT_RUNNING, UNKNOWN = 3, 4
"""Exit codes of `status`, as of systemctl."""

STATUS_SECONDS = 5.0
START_SECONDS = 15.0
POLL_SECONDS = 0.1
ANSWERED = 200


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    config = absolute_config(args.config)
    try:
        settings = readable_settings(config)
        socket = socket_of(config, settings)
        older = older_socket_path(config, settings.general)
        become_owner(socket.parent)
        if args.action == "status":
            return _status(socket, settings, as_json=args.json)
        if args.action == "stop":
            _end_older(older, socket, config)
            return max(_stop(socket), _end_hung(socket))
        _end_older(older, socket, config)
        return _restart(config, socket)
    except NotAllowed as error:
        return _complain(advised(error), UNKNOWN)
    except OSError as error:
        raise ZmhookError(f"{error.filename or config}: {error.strerror}") from None


class NotAllowed(ZmhookError):
    """This user may not use the service's socket; the message says who may."""


def socket_of(config: str, settings: Settings) -> Path:
    """Return the socket of a configuration's service.

    Raises `NotAllowed` when this user may not enter its folder.
    """
    path = socket_path(config, settings.general)
    for folder in (RUN, path.parent):
        if folder.is_dir() and not os.access(folder, os.X_OK):
            owner = name_of(folder.stat().st_uid)
            raise NotAllowed(f"{folder}: permission denied: it is {owner}'s")
    return path


def readable_settings(config: str) -> Settings:
    """Return the settings, or what can be read of them where the configuration is broken."""
    from zmhook.settings import Settings, load

    try:
        return load(config).apply().general
    except SettingsError as error:
        return error.config.apply().general if error.config else Settings()


# -- status --------------------------------------------------------------------------------------


def _status(socket: Path, settings: Settings, *, as_json: bool) -> int:
    if not running.is_running(socket) and not _answers(socket):
        return _not_running(socket, settings, as_json=as_json)
    try:
        status = _fetch_status(socket)
    except client.NoService as error:
        return _complain(f"{_process(socket)} does not answer: {error}", UNKNOWN)
    if as_json:
        say_json({"running": True, "socket": str(socket), **status})
    else:
        _print_text(status, socket, settings)
    return DONE


def _not_running(socket: Path, settings: Settings, *, as_json: bool) -> int:
    """Say so, and show the jobs that wait: they need no service."""
    from zmhook.cli.service_text import backlog as in_words
    from zmhook.cli.tables import show
    from zmhook.jobs.enqueue import backlog
    from zmhook.jobs.spool import Spool

    base = settings.general.base_data_path
    become_owner(socket.parent, Spool.of(base).folder)
    jobs = backlog(base)
    if as_json:
        say_json({"running": False, "socket": str(socket), "jobs": jobs})
        return NOT_RUNNING
    if any(jobs[name] for name in ("waiting", "failed", "set_aside", "error")):
        show(in_words(jobs), sys.stdout)
    return _complain(f"no service is running at {socket}", NOT_RUNNING)


def _fetch_status(socket: Path) -> dict[str, Any]:
    """Return its status; raises `NoService` when what answers is no service of ours."""
    response = client.ask(socket, "GET", "/status", STATUS_SECONDS)
    if response.status != ANSWERED:
        raise client.NoService(f"{socket}: answers with status {response.status}")
    try:
        return decoded(response.body, dict[str, Any])
    except Unreadable as error:
        raise client.NoService(f"{socket}: unexpected response ({error})") from None


def _print_text(status: dict[str, Any], socket: Path, settings: Settings) -> None:
    from zmhook.cli.service_text import blocks
    from zmhook.cli.tables import show

    show(blocks(status, socket, time.time(), _monitor_names(settings)), sys.stdout)


def _monitor_names(settings: Settings) -> dict[int, str]:
    """Return the monitors' names as the history has them."""
    from zmhook.history.read import History

    try:
        return History(settings.history.history_path).monitor_names()
    except StateError:
        return {}


# -- stop, restart -------------------------------------------------------------------------------


def _stop(socket: Path) -> int:
    if not running.is_running(socket):
        say(f"No service is running at {socket}.")
        return DONE
    process = _process(socket)
    if running.end(socket):
        say(f"The service ({process}) has stopped.")
    else:
        say(f"The service ({process}) did not stop by itself and was killed.")
    return DONE


def _end_hung(socket: Path) -> int:
    """End services that hung and were replaced; the kernel names their processes."""
    code = DONE
    for old_socket in start.still_hung(socket):
        process = _process(old_socket)
        try:
            running.kill_and_wait(old_socket)
        except ZmhookError as error:
            code = _complain(str(error), FAILED)
        else:
            say(f"A service that hung and had been replaced ({process}) was killed.")
    start.sweep(socket)
    return code


def _end_older(older: Path, socket: Path, config: str) -> None:
    """End what an earlier version runs for this configuration, at a socket with another name."""
    if older != socket and running.serves(older, config):
        _stop(older)


def _process(socket: Path) -> str:
    return f"process {running.pid_of(socket) or '?'}"


def _restart(config: str, socket: Path) -> int:
    """Stop the service and start one as a hook does, unless systemd starts it on demand."""
    from zmhook.settings import load

    if not load(config).apply().general.service.use_service:
        return _complain(f"{config}: [service] use_service is no, so no service is started", FAILED)
    _stop(socket)
    if _end_hung(socket) != DONE:
        return FAILED
    if not _answers(socket):
        start.start(config, socket)
    if not _comes_up(socket):
        return _complain(f"{socket}: the service did not start; zmhook serve shows why", FAILED)
    say(f"The service is running ({_process(socket)}).")
    return DONE


def _comes_up(socket: Path) -> bool:
    until = time.monotonic() + START_SECONDS
    while not _answers(socket):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _answers(socket: Path) -> bool:
    """Return whether a service answers. On a socket of systemd, asking starts one."""
    try:
        return client.ask(socket, "GET", "/health/live", STATUS_SECONDS).status == ANSWERED
    except client.NoService:
        return False


def _complain(message: str, code: int) -> int:
    complain(message)
    return code


def make_parser() -> Parser:
    parser = Parser(
        prog="zmhook service",
        description="Show, stop or restart the background service, which keeps the models loaded.",
        examples=["zmhook service status", "zmhook service restart"],
    )
    status = parser.add_command(
        "status",
        "show the state of the service, its queue, workers and last errors",
        examples=["zmhook service status --json"],
        epilog="Exit code: 0 running, 3 not running, 4 unknown.",
    )
    add_json(status)
    stop = parser.add_command(
        "stop",
        "stop the service when it has finished its current events",
        examples=["zmhook service stop"],
    )
    restart = parser.add_command(
        "restart",
        "stop the service and start it again",
        examples=["zmhook service restart"],
    )
    for command in (status, stop, restart):
        add_config(command)
    return parser
