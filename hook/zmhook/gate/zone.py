"""Drop what lies in none of the monitor's zones, or in one that does not want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.gate import pattern
from zmhook.gate.places import Place
from zmhook.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.settings import Gate


class Touch(NamedTuple):
    """A zone that a detection lies in, and the share (0..1) of its box (1 where none is asked)."""

    place: Place
    share: float


def reason(detection: Detection, context: Context) -> str | None:
    if not context.places:
        return None
    gate = context.settings.gate
    touched = context.touched(detection)
    if not touched:
        least = f" by {gate.zone_min_overlap:.0%}" if gate.zone_min_overlap else ""
        return f"in none of the zones {context.names}{least}"
    reasons = [_refused(detection, touch.place, context) for touch in _judges(touched, gate)]
    return None if None in reasons else "; ".join(filter(None, reasons))


def _judges(touched: Sequence[Touch], gate: Gate) -> Sequence[Touch]:
    if gate.zone_match_strategy == "first_intersecting":
        return touched[:1]
    if gate.zone_match_strategy == "largest_overlap":
        return [max(touched, key=lambda touch: touch.share)]
    return touched


def _refused(detection: Detection, place: Place, context: Context) -> str | None:
    """Say why this zone does not take it; its pattern stands in the common one's place."""
    wanted = place.rule.detection_pattern or pattern.own(detection, context.settings)
    if not matches(wanted, detection.label):
        return f"in zone {place.name}, whose pattern {wanted} it does not match"
    unwanted = place.rule.ignore_pattern
    if unwanted and matches(unwanted, detection.label):
        return f"in zone {place.name}, which ignores {unwanted}"
    return None


def touches(found: Sequence[Detection], places: Sequence[Place], gate: Gate) -> list[list[Touch]]:
    """Return for each detection the zones that it lies in, in their order."""
    from zmhook.gate import overlap

    polygons, boxes = [place.points for place in places], [one.box for one in found]
    if gate.zone_anchor == "foot":
        inside = overlap.standing(polygons, boxes).T.astype(float)
    elif gate.zone_min_overlap or gate.zone_match_strategy == "largest_overlap":
        inside = overlap.shares(polygons, boxes).T
    else:
        inside = overlap.touching(polygons, boxes).T.astype(float)
    rows: list[list[Touch]] = [[] for _ in found]
    which = (inside >= max(gate.zone_min_overlap, 1e-9)).nonzero()
    for thing, place, share in zip(*(one.tolist() for one in (*which, inside[which])), strict=True):
        rows[thing].append(Touch(places[place], share))
    return rows
