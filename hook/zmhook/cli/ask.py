"""Ask the service to decide an event; find it, or start it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from zmhook.exit_codes import DETECTED, NOTHING, UNDECIDED
from zmhook.service import client, paths, start

if TYPE_CHECKING:
    from pathlib import Path

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class Answered(NamedTuple):
    """The service's response, as this process's exit code and line."""

    code: int
    line: str


def ask(event: Event, settings: Settings, config: str, deadline: Deadline) -> Answered | None:
    """Return the service's response, or None when this process must decide itself.

    A caller that finds no service, or one without a sign of life, starts one and decides its own
    event meanwhile; callers that arrive while it starts wait for it.
    """
    socket = paths.socket_path(config, settings.general)
    asked = start.socket_identity(socket)
    silent = None
    try:
        return _decided(socket, event, config, deadline)
    except client.Silent as error:
        silent = asked
        log.error("%s", error)  # noqa: TRY400
        if start.is_held_by_systemd(socket):
            log.error("systemd holds its socket and has to end it: systemctl restart zmhook")  # noqa: TRY400
            return None
    except client.NoService as error:
        log.debug("%s", error)
    if _started(socket, config, silent) or not start.wait_for(socket, deadline.left() / 2):
        return None
    try:
        return _decided(socket, event, config, deadline)
    except client.NoService as error:
        log.warning("%s", error)
        return None


def _decided(socket: Path, event: Event, config: str, deadline: Deadline) -> Answered:
    silence = paths.silence_of(socket)
    status, body = client.decide(socket, event, config, deadline.left(), silence)
    if status == client.ALARM:
        return Answered(DETECTED, body.decode().rstrip("\n"))
    if status == client.NOTHING:
        return Answered(NOTHING, "")
    if status == client.UNDECIDED:
        log.error("%s: %s", event, body.decode("utf-8", "replace").strip())
        return Answered(UNDECIDED, "")
    raise client.NoService(f"{socket}: answers with status {status}")


def _started(socket: Path, config: str, silent: start.SocketIdentity | None) -> bool:
    """Return whether this process decides: it started a service, or no service can start."""
    if not config.startswith("/"):
        log.debug("%s: a service in / would not find it", config)
        return True
    try:
        return start.start(config, socket, silent)
    except OSError as error:
        log.warning("%s: no service can be started there (%s)", socket, error.strerror)
        return True
