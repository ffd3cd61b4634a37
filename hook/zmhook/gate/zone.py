"""Drop what lies in none of the monitor's zones, or in one that does not want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.gate import pattern
from zmhook.text.numbers import exact, percent
from zmhook.text.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.gate.overlap import Touch
    from zmhook.settings import Gate


def reason(detection: Detection, context: Context) -> str | None:
    if not context.places:
        return None
    gate = context.settings.gate
    touched = context.touched(detection)
    if not touched:
        return _outside(detection, context)
    reasons = [_refused(detection, touch, context) for touch in _judges(touched, gate)]
    return None if None in reasons else "; ".join(filter(None, reasons))


def _outside(detection: Detection, context: Context) -> str:
    """Say that it is in no zone: by its foot, or how much of it is in the one that has most."""
    gate = context.settings.gate
    if gate.zone_anchor == "foot":
        return f"its foot at {_foot(detection)} is in none of the zones {context.names}"
    text = f"in none of the zones {context.names}"
    if not gate.zone_min_overlap:
        return text
    from zmhook.gate import overlap

    polygons = [place.points for place in context.places]
    shares = overlap.shares(polygons, [detection.box])[:, 0].tolist()
    share, place = max(zip(shares, context.places, strict=True), key=lambda pair: pair[0])
    if not share:
        return text
    least = gate.zone_min_overlap
    most = f"{percent(share, least)} of it is in {place.name}"
    return f"{text} by {exact(least * 100)}%: {'at most ' if len(shares) > 1 else ''}{most}"


def _foot(detection: Detection) -> str:
    box = detection.box
    return f"{(box.x1 + box.x2) / 2:g},{box.y2}"


def _judges(touched: Sequence[Touch], gate: Gate) -> Sequence[Touch]:
    if gate.zone_match_strategy == "first_intersecting":
        return touched[:1]
    if gate.zone_match_strategy == "largest_overlap":
        return [max(touched, key=lambda touch: touch.share)]
    return touched


def _refused(detection: Detection, touch: Touch, context: Context) -> str | None:
    """Say why this zone does not take it; its pattern stands in the common one's place."""
    place = touch.place
    wanted = place.rule.detection_pattern or pattern.own(detection, context.settings)
    if not matches(wanted, detection.label):
        where = _where(detection, touch, context.settings.gate)
        return f"{where}, whose pattern {wanted} it does not match"
    unwanted = place.rule.ignore_pattern
    if unwanted and matches(unwanted, detection.label):
        return f"{_where(detection, touch, context.settings.gate)}, which ignores {unwanted}"
    return None


def _where(detection: Detection, touch: Touch, gate: Gate) -> str:
    if gate.zone_anchor == "foot":
        return f"with its foot at {_foot(detection)} in zone {touch.place.name}"
    if gate.zone_min_overlap or gate.zone_match_strategy == "largest_overlap":
        return f"with {percent(touch.share, gate.zone_min_overlap)} in zone {touch.place.name}"
    return f"in zone {touch.place.name}"
