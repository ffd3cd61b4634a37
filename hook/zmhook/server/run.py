"""The service's process: its socket, its signals, its end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.defaults import CONFIG
from zmhook.errors import RightsError, SettingsError, ZmhookError
from zmhook.net.connections import ConnectionLimits, ConnectionTable
from zmhook.net.http_server import HandlerRouter, HttpServer
from zmhook.printable import printable
from zmhook.process import environment, limits, startup
from zmhook.process.privilege import become_owner
from zmhook.server.listen_manager import ListenManager
from zmhook.service import running, start
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.paths import older_socket_path, patience_path, socket_path
from zmhook.service.routes import Routes
from zmhook.service.supervisor import Supervisor
from zmhook.service.systemd import Systemd
from zmhook.service.worker_process import LogRelay
from zmhook.settings.folders import folders_of
from zmhook.storage.lock import lock_file, unlock
from zmhook.text.redact import of_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.settings import General

log = logging.getLogger(__name__)

FINISH_SECONDS = 10.0
CANNOT_START = 2
LISTEN_FDS_START = 3
BACKLOG = 1024
LIMITS = ConnectionLimits(most=1500, each=1500, files_share=2)
"""Of the unix socket."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 at a proper end and when another service runs already, 2 when it cannot start."""
    args = _arguments(argv)
    startup.prepare(startup.HOOK_UMASK)
    environment.trust_environment()
    if args.start_lock is not None:  # a hook started us, and not somebody who meant it so
        limits.lift()
    try:
        config = ConfigWatch(args.config)
    except (RightsError, SettingsError) as error:
        return _complain(str(error))
    settings = config.current().general
    general = settings.general
    given = _given_socket()
    place = _place(args, given, general)
    try:
        become_owner(place.parent, *folders_of(settings))
    except RightsError as error:
        return _complain(str(error))
    try:
        lock = _lock_in_time(place, is_systemds=given is not None)
    except OSError as error:
        return _complain(f"{place}: the service cannot start: {error.strerror}")
    if lock is None:
        _complain(f"{place}: a service runs already")
        return 0
    _many_files()
    with LogRelay(config, debug=args.debug) as records:
        code = _run(config, place, given, records, args, lock)
    os.close(lock)
    return code


def _run(
    config: ConfigWatch,
    place: Path,
    given: socket.socket | None,
    records: LogRelay,
    args: argparse.Namespace,
    lock: int,
) -> int:
    try:
        asyncio.run(_serve(config, place, given, records, args, lock))
    except OSError as error:
        log.error("%s: the service cannot go on: %s", place, error)  # noqa: TRY400
        return CANNOT_START
    return 0


async def _serve(
    config: ConfigWatch,
    place: Path,
    given: socket.socket | None,
    records: LogRelay,
    args: argparse.Namespace,
    lock: int,
) -> None:
    systemd = Systemd()
    supervisor = Supervisor(config, records)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stopping.set)
    unix_socket = given or _bound(place)
    unix_socket.setblocking(False)
    unix_socket.listen(BACKLOG)
    http = HttpServer(
        HandlerRouter(Routes(supervisor)),
        ConnectionTable(lambda: LIMITS),
        beat=supervisor.beat,
        most_requests=1,
    )
    ours = _identity(place)
    accepting = loop.create_task(http.accept(unix_socket, place))
    listening = ListenManager(supervisor, args.listen)
    supervisor.problems = lambda: [
        *config.lacking(),
        *listening.problems,
        *supervisor.not_in_force(),
    ]
    await listening.start()
    supervisor.start()
    if args.start_lock is not None:
        os.close(args.start_lock)
    log.info("serving on %s", place)
    if args.start_lock is not None and limits.niceness() > 0:
        log.warning(
            "the service has the niceness %d of the hook that started it: zmhook service restart"
            " gives it another",
            limits.niceness(),
        )
    systemd.ready()
    beside = [
        asyncio.create_task(systemd.keep_alive()),
        asyncio.create_task(_end_older(place, config)),
    ]
    try:
        await supervisor.until_stopped(
            place,
            lambda: ours == _identity(place),
            is_permanent=lambda: args.permanent or listening.is_enabled,
        )
    finally:
        if not given and ours == _identity(place):
            _remove(place)
        accepting.cancel()
        unix_socket.close()
        listening.close()
        if supervisor.replaced:
            unlock(lock)  # the new version need not wait for those we serve
        await supervisor.finish(FINISH_SECONDS)
        await http.finish(FINISH_SECONDS)
        await listening.finish(FINISH_SECONDS)
        for task in beside:
            task.cancel()
        log.info("ended")


async def _end_older(place: Path, config: ConfigWatch) -> None:
    """End those in whose place we are, once all that they had begun is over in any case."""
    await asyncio.to_thread(_end_named_otherwise, place, config)
    start.sweep(place)
    await asyncio.sleep(config.longest_deadline() + FINISH_SECONDS)
    start.kill_put_aside(place)
    await asyncio.sleep(FINISH_SECONDS)
    start.sweep(place)


def _end_named_otherwise(place: Path, config: ConfigWatch) -> None:
    """Have the service of an earlier version end, whose socket no hook asks any more."""
    older = older_socket_path(config.path, config.current().general.general)
    try:
        if older != place and running.serves(older, config.path):
            log.info("%s: ending the service of an earlier version", older)
            running.end(older)
    except (OSError, ZmhookError) as error:
        log.warning("%s: the service of an earlier version goes on: %s", older, error)


def _place(args: argparse.Namespace, given: socket.socket | None, general: General) -> Path:
    """Return where the socket is: one that systemd gives lies where its unit says."""
    if given:
        return Path(given.getsockname())
    return Path(args.socket) if args.socket else socket_path(args.config, general)


def _complain(message: str) -> int:
    sys.stderr.write(f"zmhook: {printable(of_process(message))}\n")
    return CANNOT_START


def _lock_in_time(place: Path, *, is_systemds: bool = False) -> int | None:
    """Take the lock, waiting for a service that is just ending: it has no socket any more."""
    end = time.monotonic() + FINISH_SECONDS + 5
    while (lock := _lock(place)) is None and not place.exists() and time.monotonic() < end:
        time.sleep(0.05)
    if lock is not None and is_systemds:
        os.write(lock, start.SYSTEMDS + b"\n")
    return lock


def _lock(place: Path) -> int | None:
    """Take the lock that only one service of a socket can have; None when another has it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file(place.with_suffix(".lock"))
    if lock is None:
        return None
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return lock


def _remove(place: Path) -> None:
    for path in (place, patience_path(place)):
        with contextlib.suppress(OSError):
            path.unlink()


def _identity(place: Path) -> tuple[int, int] | None:
    """Return what tells our socket from one that another has put in its place meanwhile."""
    with contextlib.suppress(OSError):
        found = place.stat()
        return found.st_dev, found.st_ino
    return None


def _bound(place: Path) -> socket.socket:
    """Return a listening socket; having the lock, a file in its place is a dead service's."""
    _remove(place)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(place))
        place.chmod(0o660)
    except OSError:
        listener.close()
        raise
    return listener


def _given_socket() -> socket.socket | None:
    """Return the socket that systemd passes to a service it starts on demand."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    return socket.socket(fileno=LISTEN_FDS_START)


def _many_files() -> None:
    """Raise the usual limit of 1024 open files, for storms and for clients that say nothing."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16384) if most > 0 else 16384, most))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="zmhook serve",
        description="Keep the models loaded and decide events for hooks, over a unix socket.",
    )
    add = parser.add_argument
    add("-c", "--config", default=CONFIG, help="objectconfig.ini (%(default)s)")
    add("--socket", default="", help="the socket's path (default: as the hook looks for it)")
    add("--listen", default="", help="HOST:PORT for other machines (default: [service] listen)")
    add("--permanent", action="store_true", help="do not end when idle, whatever the settings say")
    add("--start-lock", type=int, help=argparse.SUPPRESS)
    add("-d", "--debug", action="store_true", help="log everything")
    return parser.parse_args(argv)
