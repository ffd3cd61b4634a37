"""The zones of a picture: from the settings and from ZoneMinder, in the picture's own pixels.

ZoneMinder puts the names of the zones that saw motion into an event's cause, behind the word:
`Motion:Drive,Front door` (the cause since 1.37), `Motion: Drive, Front door` (the notes),
`Motion Drive` (before). A name may hold commas and what is a name of its own, so a cause cannot be
taken apart without knowing the names.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from zmhook.settings.gate import ZoneRule
from zmhook.text.names import composed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zmhook.event import Event
    from zmhook.settings import Settings, Zone
    from zmhook.zoneminder.monitors import Monitor, ZmZone

log = logging.getLogger(__name__)

Points = tuple[tuple[float, float], ...]

# Objects may be anywhere in what these kinds cover; they are about motion, or hide.
NOT_USED = frozenset({"inactive", "privacy", "preclusive"})
_NO_RULE = ZoneRule()


class PictureZone(NamedTuple):
    """A zone with `points` in the picture's pixels, and its patterns (empty: none)."""

    name: str
    points: Points
    rule: ZoneRule


def picture_zones(
    event: Event, settings: Settings, monitor: Monitor | None, width: int, height: int
) -> list[PictureZone]:
    """Return the zones for a picture of `width` x `height` pixels.

    Zones are drawn in the monitor's pixels, and scaled when the picture has another size.
    """
    size = settings.gate.monitor_size or _size(monitor) or (width, height)
    zones: list[Zone | ZmZone] = [*settings.zones]
    if monitor and settings.gate.import_zm_zones:
        zones += _used(monitor.zones, event, settings)
    return [_picture_zone(zone, settings, size, (width, height)) for zone in zones]


def _size(monitor: Monitor | None) -> tuple[int, int] | None:
    return (monitor.width, monitor.height) if monitor and monitor.width * monitor.height else None


def _picture_zone(
    zone: Zone | ZmZone, settings: Settings, drawn_in: tuple[int, int], size: tuple[int, int]
) -> PictureZone:
    scaled = _scaled(zone.points, (100, 100) if zone.percent else drawn_in, size)
    _warn_if_outside(zone.name, scaled, size)
    return PictureZone(zone.name, scaled, _rule(zone.name, settings))


def _rule(name: str, settings: Settings) -> ZoneRule:
    """Return the zone's patterns; older files write front_door for what is drawn as Front Door."""
    rules, key = {plain(key): rule for key, rule in settings.zone_rules.items()}, plain(name)
    return rules.get(key) or rules.get(key.replace(" ", "_")) or _NO_RULE


@lru_cache(maxsize=512)
def _scaled(points: Points, drawn_in: tuple[int, int], size: tuple[int, int]) -> Points:
    return tuple((x * size[0] / drawn_in[0], y * size[1] / drawn_in[1]) for x, y in points)


@lru_cache(maxsize=512)
def _warn_if_outside(name: str, points: Points, size: tuple[int, int]) -> None:
    """Warn once of a zone that nothing can lie in."""
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


# -- the zones that a cause names ------------------------------------------------------------------

# Notes about several things follow each other without a blank: `Linked: GateMotion: Drive`.
_MOTION = re.compile(r"Motion:|(?i:\bmotion\b)\s*:?")
_SIGNAL = re.compile(r"Signal: ?\w*$")
_COMMA = re.compile(r"\s*,\s*")

MAX_CAUSE = 255
"""Bytes of a cause in ZoneMinder's shared memory, where the notification server reads it."""
MAX_NAME = 64
"""Characters of a zone's name."""
_REMOVED = "\0"


def plain(name: str) -> str:
    """Return a zone's name as it is compared: without case, and however its letters were typed."""
    return composed(composed(name).casefold()).strip()


def triggered(cause: str, names: Iterable[str]) -> set[str]:
    """Return those of the names that a cause names; the longest is looked for first.

    An event's notes are its cause too, with what was detected before it. A name is removed
    once it is matched, so that a part of a longer name matches only where it stands by itself.
    """
    forms: dict[str, list[str]] = {}
    for name in names:
        forms.setdefault(_form(name), []).append(name)
    forms.pop("", None)
    behind = _SIGNAL.sub("", _MOTION.split(cause, maxsplit=1)[-1])
    is_cut = len(cause.encode("utf-8", "surrogateescape")) >= MAX_CAUSE
    named = _named(behind, forms, is_cut=is_cut) or _named(cause, forms, is_cut=False)
    return {name for form in named for name in _spelled_so(cause, forms[form])}


def _named(text: str, forms: Iterable[str], *, is_cut: bool) -> set[str]:
    left, named = f",{_form(text)},", set()
    for form in sorted(forms, key=len, reverse=True):
        piece = f",{form},"
        while piece in left:
            left = left.replace(piece, f",{_REMOVED},")
            named.add(form)
    return named | (_begun(left[:-1], forms) if is_cut else set())


def _begun(text: str, forms: Iterable[str]) -> set[str]:
    """Return the names with whose beginning a text that was cut off ends."""
    pieces = text.rpartition(_REMOVED)[2][-MAX_NAME:].split(",")
    for at in range(1, len(pieces)):
        begin = ",".join(pieces[at:])
        named = {form for form in forms if begin and form.startswith(begin)}
        if named:
            return named
    return set()


def _form(text: str) -> str:
    return _COMMA.sub(",", " ".join(plain(text).split()))


def _spelled_so(cause: str, names: list[str]) -> list[str]:
    """Return the names that differ in case alone, or the one that the cause writes just so."""
    return [name for name in names if name in cause] or names
