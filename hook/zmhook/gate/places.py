"""The zones that hold for a picture: from the settings and from ZoneMinder, in its own pixels."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from zmhook.gate.cause import plain, triggered
from zmhook.settings.labels import ZoneRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.event import Event
    from zmhook.settings import Settings
    from zmhook.zoneminder.monitors import Monitor, ZmZone

log = logging.getLogger(__name__)

Points = tuple[tuple[float, float], ...]

# Objects may be anywhere in what these kinds cover; they are about motion, or hide.
NOT_USED = frozenset({"inactive", "privacy", "preclusive"})
_NO_RULE = ZoneRule()


class Place(NamedTuple):
    """A zone: `points` in the picture's pixels, and its patterns (empty: none)."""

    name: str
    points: Points
    rule: ZoneRule


def places(
    event: Event, settings: Settings, monitor: Monitor | None, width: int, height: int
) -> list[Place]:
    """Return the zones for a picture of `width` x `height` pixels.

    They are drawn in the monitor's pixels, and scaled when the picture has another size.
    """
    size = settings.gate.monitor_size or _size(monitor) or (width, height)
    found = [
        _place(zone.name, zone.points, settings, size, (width, height), percent=zone.percent)
        for zone in settings.zones
    ]
    if monitor and settings.gate.import_zm_zones:
        found += [
            _place(zone.name, zone.points, settings, size, (width, height), percent=zone.percent)
            for zone in _used(monitor.zones, event, settings)
        ]
    return found


def _size(monitor: Monitor | None) -> tuple[int, int] | None:
    return (monitor.width, monitor.height) if monitor and monitor.width * monitor.height else None


def _place(
    name: str,
    points: Points,
    settings: Settings,
    drawn_in: tuple[int, int],
    size: tuple[int, int],
    *,
    percent: bool,
) -> Place:
    scaled = _scaled(points, (100, 100) if percent else drawn_in, size)
    _tell_if_outside(name, scaled, size)
    return Place(name, scaled, _rule(name, settings))


def _rule(name: str, settings: Settings) -> ZoneRule:
    """Return the zone's patterns; older files write front_door for what is drawn as Front Door."""
    rules, key = {plain(key): rule for key, rule in settings.zone_rules.items()}, plain(name)
    return rules.get(key) or rules.get(key.replace(" ", "_")) or _NO_RULE


@lru_cache(maxsize=512)
def _scaled(points: Points, drawn_in: tuple[int, int], size: tuple[int, int]) -> Points:
    return tuple((x * size[0] / drawn_in[0], y * size[1] / drawn_in[1]) for x, y in points)


@lru_cache(maxsize=512)
def _tell_if_outside(name: str, points: Points, size: tuple[int, int]) -> None:
    """Warn, once in a process, of a zone that nothing can lie in."""
    across, down = zip(*points, strict=True)
    if min(across) > size[0] or min(down) > size[1] or max(across) < 0 or max(down) < 0:
        log.warning(
            "zone %s lies outside of the picture of %dx%d pixels, so nothing is ever in it: is it"
            " drawn for another size (monitor_size)?",
            name,
            *size,
        )


def _used(zones: Sequence[ZmZone], event: Event, settings: Settings) -> list[ZmZone]:
    used = [zone for zone in zones if zone.kind.lower() not in NOT_USED]
    if not settings.gate.only_triggered_zm_zones:
        return used
    named = triggered(event.cause, [zone.name for zone in zones])
    # A cause that names none ("Forced Web") says nothing about zones, so all of them hold.
    return [zone for zone in used if zone.name in named] or used
