"""A monitor's name, where the one who called us gave only its number."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, json

from zmhook.errors import PortalError
from zmhook.storage import atomic
from zmhook.storage.regular import read
from zmhook.text.bounded_json import Unreadable, decoded

if TYPE_CHECKING:
    from zmhook.event import Event
    from zmhook.settings import General

log = logging.getLogger(__name__)

FILE = "state/monitors.json"
HOLDS = 86400.0
"""Seconds for which a name is not asked for again."""
MOST = 500


class _Known(Struct, frozen=True):
    name: str
    asked: float


def monitor_name(event: Event, general: General) -> str:
    """Return the name, "" when nobody knows it. ZoneMinder's API is asked once a day.

    Nothing here is worth failing for: a message that says `monitor 3` is a message.
    """
    if event.monitor_name or event.monitor_id is None or not general.portal:
        return event.monitor_name
    path = Path(general.base_data_path, FILE)
    known = _read(path)
    found = known.get(str(event.monitor_id))
    if found is None or not 0 <= time.time() - found.asked <= HOLDS:
        found = _Known(
            _asked(event.monitor_id, general) or (found.name if found else ""), time.time()
        )
        _write(path, {**known, str(event.monitor_id): found})
    return found.name


def _asked(monitor_id: int, general: General) -> str:
    from zmhook.zoneminder.api import Portal

    try:
        with closing(Portal(general)) as portal:
            what = f"the name of monitor {monitor_id}"
            answer = portal.json(f"monitors/{monitor_id}.json", what)
        return str(answer["monitor"]["Monitor"]["Name"])
    except (PortalError, KeyError, TypeError) as error:
        log.debug("monitor %d has no name for us: %s", monitor_id, error)
        return ""


def _read(path: Path) -> dict[str, _Known]:
    try:
        return decoded(read(path), dict[str, _Known])
    except (OSError, Unreadable):
        return {}


def _write(path: Path, known: dict[str, _Known]) -> None:
    newest = sorted(known.items(), key=lambda one: one[1].asked)[-MOST:]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, json.encode(dict(newest)), 0o600)
    except OSError as error:
        log.debug("%s: cannot be written (%s)", path, error.strerror)
