"""Run the service: its socket, its signals, its end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook import CONFIG
from zmhook.errors import RightsError, SettingsError, ZmhookError
from zmhook.net.connections import ConnectionLimits, ConnectionTable
from zmhook.net.http_server import HandlerRouter, HttpServer
from zmhook.printable import printable
from zmhook.process import environment, limits, startup
from zmhook.process.privilege import become_owner
from zmhook.server.listen_manager import ListenManager
from zmhook.server.service_socket import ServiceSocket, Systemd, passed_socket
from zmhook.service import running, start
from zmhook.service.config_watch import ConfigWatch
from zmhook.service.fitter import Fitter
from zmhook.service.paths import older_socket_path, socket_path
from zmhook.service.routes import Routes
from zmhook.service.supervisor import Supervisor
from zmhook.service.worker_process import LogRelay
from zmhook.settings.model import folders_of
from zmhook.text.redact import of_process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.settings import General

log = logging.getLogger(__name__)

FINISH_SECONDS = 10.0
CANNOT_START = 2
LIMITS = ConnectionLimits(most=1500, each=1500, files_share=2)
"""Of the unix socket."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 at a proper end and when another service runs already, 2 when it cannot start."""
    args = _arguments(argv)
    startup.prepare(startup.HOOK_UMASK)
    environment.trust_environment()
    if args.start_lock is not None:  # a hook started us, and no administrator did
        limits.lift()
    try:
        config = ConfigWatch(args.config)
    except (RightsError, SettingsError) as error:
        return _complain(str(error))
    settings = config.current().general
    service_socket = _service_socket(args, settings.general)
    path = service_socket.path
    try:
        become_owner(path.parent, *folders_of(settings))
    except RightsError as error:
        return _complain(str(error))
    try:
        is_locked = service_socket.lock()
    except OSError as error:
        return _complain(f"{path}: the service cannot start: {error.strerror}")
    if not is_locked:
        _complain(f"{path}: a service runs already")
        return 0
    raise_open_files()
    with LogRelay(config, debug=args.debug) as relay:
        code = _run(config, service_socket, relay, args)
    service_socket.close()
    return code


def _run(
    config: ConfigWatch, service_socket: ServiceSocket, relay: LogRelay, args: argparse.Namespace
) -> int:
    try:
        asyncio.run(_serve(config, service_socket, relay, args))
    except OSError as error:
        log.error("%s: the service cannot go on: %s", service_socket.path, error)  # noqa: TRY400
        return CANNOT_START
    return 0


async def _serve(
    config: ConfigWatch, service_socket: ServiceSocket, relay: LogRelay, args: argparse.Namespace
) -> None:
    systemd, path = Systemd(), service_socket.path
    supervisor = Supervisor(config, relay)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stopping.set)
    listening = service_socket.open()
    http = HttpServer(
        HandlerRouter(Routes(supervisor)),
        ConnectionTable(lambda: LIMITS),
        beat=supervisor.beat,
        most_requests=1,
    )
    accepting = loop.create_task(http.accept(listening, path))
    remote = ListenManager(supervisor, args.listen)
    supervisor.problems = lambda: [
        *config.lacking(),
        *remote.problems,
        *supervisor.not_in_force(),
    ]
    await remote.start()
    supervisor.start()
    _report_start(path, args)
    systemd.ready()
    beside = [
        asyncio.create_task(systemd.keep_alive()),
        asyncio.create_task(_end_older(path, config)),
        asyncio.create_task(Fitter(config).run()),
    ]
    try:
        await supervisor.until_stopped(
            path,
            lambda: service_socket.is_ours,
            is_permanent=lambda: args.permanent or remote.is_enabled,
        )
    finally:
        service_socket.remove()
        accepting.cancel()
        listening.close()
        remote.close()
        if supervisor.replaced:
            service_socket.unlock()  # the new version need not wait for those we serve
        await supervisor.finish(FINISH_SECONDS)
        await http.finish(FINISH_SECONDS)
        await remote.finish(FINISH_SECONDS)
        for task in beside:
            task.cancel()
        log.info("ended")


def _report_start(path: Path, args: argparse.Namespace) -> None:
    """Log that the service runs, and let the hook that started it go on."""
    log.info("serving on %s", path)
    if args.start_lock is None:
        return
    os.close(args.start_lock)
    if limits.niceness() > 0:
        log.warning(
            "the service has the niceness %d of the hook that started it: zmhook service restart"
            " gives it another",
            limits.niceness(),
        )


async def _end_older(path: Path, config: ConfigWatch) -> None:
    """End the services that we replace, once all that they had begun is over in any case."""
    await asyncio.to_thread(_end_earlier_version, path, config)
    start.sweep(path)
    await asyncio.sleep(config.longest_deadline() + FINISH_SECONDS)
    start.kill_put_aside(path)
    await asyncio.sleep(FINISH_SECONDS)
    start.sweep(path)


def _end_earlier_version(path: Path, config: ConfigWatch) -> None:
    """End the service of an earlier version, whose socket no hook uses any more."""
    older = older_socket_path(config.path, config.current().general.general)
    try:
        if older != path and running.serves(older, config.path):
            log.info("%s: ending the service of an earlier version", older)
            running.end(older)
    except (OSError, ZmhookError) as error:
        log.warning("%s: the service of an earlier version goes on: %s", older, error)


def _service_socket(args: argparse.Namespace, general: General) -> ServiceSocket:
    if passed := passed_socket():
        return ServiceSocket(Path(passed.getsockname()), passed)
    return ServiceSocket(Path(args.socket) if args.socket else socket_path(args.config, general))


def _complain(message: str) -> int:
    sys.stderr.write(f"zmhook: {printable(of_process(message))}\n")
    return CANNOT_START


def raise_open_files() -> None:
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
