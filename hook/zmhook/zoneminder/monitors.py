"""What ZoneMinder knows about a monitor: its size and its zones, asked now and then.

Source: ZoneMinder's API, `/monitors/N.json` and `/zones.json` (verified against 1.36
and 1.38.4).
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field, json, structs

from zmhook.errors import LoginError, PortalError
from zmhook.storage import atomic
from zmhook.storage.regular import read
from zmhook.text.bounded_json import Unreadable, decoded, whole
from zmhook.text.names import composed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

AFTER_FAILURE = 60.0
"""Seconds for which an API that failed is not asked again: it may take its time to fail."""

ZONES = "zones 3"
"""What was asked for, and how the answer was read: what older versions kept is asked for anew."""

ALL = 100.0


class ZmZone(Struct, frozen=True):
    """A zone as it is drawn in ZoneMinder: points in pixels, or in percent of width and height."""

    name: str
    kind: str
    points: tuple[tuple[float, float], ...]
    percent: bool


class Monitor(Struct, frozen=True, kw_only=True):
    """`width` and `height` in pixels, as the monitor is seen (turned, if it is turned).

    `asked` is when, seconds since the epoch; `failed` when it was last asked in vain. `of` says who
    was asked, and for what.
    """

    width: int = 0
    height: int = 0
    zones: tuple[ZmZone, ...] = ()
    asked: float = 0.0
    failed: float = field(default=0.0)
    of: str = ""


def monitor(monitor_id: int, settings: Settings, deadline: Deadline) -> Monitor | None:
    """Return what is known of a monitor; what is old is better than nothing. Raises nothing."""
    path = Path(settings.general.base_data_path, "cache", f"zm_monitor_{monitor_id}.json")
    of = f"{settings.general.portal} {ZONES if settings.gate.import_zm_zones else 'size'}"
    known, now = _read(path, of), time.time()
    if known and 0 <= now - known.asked < settings.gate.zm_cache_time:
        return known
    if known and 0 <= now - known.failed < AFTER_FAILURE:
        return known if known.asked else None
    try:
        monitor = _ask(monitor_id, settings, deadline, known)
    except PortalError as error:
        log.warning("monitor %d: its size and zones are not known: %s", monitor_id, error)
        old = known or Monitor()
        monitor = Monitor(
            width=old.width, height=old.height, zones=old.zones, asked=old.asked, failed=now
        )
    monitor = structs.replace(monitor, of=of)
    _write(path, monitor)
    return monitor if monitor.asked else None


def _ask(monitor_id: int, settings: Settings, deadline: Deadline, known: Monitor | None) -> Monitor:
    from zmhook.zoneminder.api import Portal

    with closing(Portal(settings.general)) as portal:
        row = portal.monitor(monitor_id, deadline)
        zones = known.zones if known else ()
        if settings.gate.import_zm_zones:
            try:
                rows = portal.zones(monitor_id, deadline)
                zones = tuple(filter(None, map(_zone, rows)))
            except LoginError as error:  # for which another right is needed than for the monitor
                log.warning("monitor %d: its zones are not known: %s", monitor_id, error)
    width, height = whole(row.get("Width")), whole(row.get("Height"))
    if str(row.get("Orientation", "")) in ("ROTATE_90", "ROTATE_270", "90", "270"):
        width, height = height, width
    return Monitor(width=width, height=height, zones=zones, asked=time.time())


def _zone(row: dict[str, object]) -> ZmZone | None:
    name = composed(str(row.get("Name") or ""))
    corners = str(row.get("Coords") or "")
    try:
        points = tuple(_point(text) for text in corners.split())
    except ValueError:
        points = ()
    if len(set(points)) < 3:  # noqa: PLR2004 - a triangle
        log.warning("zone %s of ZoneMinder is no polygon: it is left out", name)
        return None
    percent = _is_percent(points, corners, str(row.get("Units") or ""))
    return ZmZone(name=name, kind=str(row.get("Type") or ""), points=points, percent=percent)


def _is_percent(points: Sequence[tuple[float, float]], corners: str, units: str) -> bool:
    """Say whether corners are percent of the picture, and not its pixels.

    `Units` alone does not tell: in 1.36 it is the unit of the *thresholds*, and its corners are
    pixels all the same; 1.38 takes them for pixels where one is above 100. Corners with decimals
    are 1.39's, which are always percent, also where a zone reaches far beyond the picture: of it
    counts what lies in the picture, as boxes do.
    """
    if "." in corners:
        return True
    return units.strip().lower() == "percent" and max(map(max, points)) <= ALL


def _point(text: str) -> tuple[float, float]:
    x, y = map(float, text.rstrip(",").split(","))  # its page has written one too many
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(text)
    return x, y


def _read(path: Path, of: str) -> Monitor | None:
    """Return what is kept, unless other settings asked for other things then."""
    try:
        known = decoded(read(path), Monitor)
    except (OSError, Unreadable):
        return None
    return known if known.of == of else None


def _write(path: Path, monitor: Monitor) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, json.encode(monitor))
    except OSError as error:
        log.debug("%s cannot be written: %s", path, error)
