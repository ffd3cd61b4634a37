"""The rules on what a detection is by itself: confidence, label, size, zone.

A rule takes a detection and its context. It returns None to keep the detection, or the reason to
drop it, with the figures that decided.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from zmhook.text.numbers import apart, exact, is_above, is_below, percent
from zmhook.text.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.frame import Crop
    from zmhook.gate.overlap import Overlap
    from zmhook.gate.zones import PictureZone
    from zmhook.memory.monitor_memory import MonitorMemory
    from zmhook.memory.past_object import PastObject
    from zmhook.settings import Alpr, Extent, Gate, Settings

    Rule = Callable[[Detection, "Context"], str | None]


class Context:
    """One picture of one event, of `width` x `height` pixels in full.

    `located` is false when nobody knows which part of the scene it shows. What is compared with
    many things (zones, past objects) is worked out for all `detections` at once, when a rule first
    asks. `now` is when the event was asked about, seconds since the epoch.
    """

    def __init__(
        self,
        event: Event,
        settings: Settings,
        location: Crop,
        zones: Sequence[PictureZone],
        memory: MonitorMemory,
        detections: Sequence[Detection],
    ) -> None:
        self.event = event
        self.settings = settings
        self.width, self.height = location.width, location.height
        self.located = location.located
        self.zones = zones
        self.memory = memory
        self.now = event.asked
        self._detections = detections

    @cached_property
    def zone_names(self) -> str:
        return ", ".join(zone.name for zone in self.zones)

    def zones_of(self, detection: Detection) -> list[Overlap]:
        """Return the zones that the detection, one of `detections`, lies in."""
        return self._zones_of[id(detection)]

    def past_object(self, detection: Detection) -> PastObject | None:
        """Return what stood at the same spot in an earlier event."""
        return self._past_objects.get(id(detection))

    @cached_property
    def _zones_of(self) -> dict[int, list[Overlap]]:
        from zmhook.gate.overlap import zones_of

        rows = zones_of(self._detections, self.zones, self.settings.gate)
        return {id(detection): row for detection, row in zip(self._detections, rows, strict=True)}

    @cached_property
    def _past_objects(self) -> dict[int, PastObject]:
        return self.memory.past_objects(self._detections, (self.width, self.height))


# -- confidence ------------------------------------------------------------------------------------


def confidence(detection: Detection, context: Context) -> str | None:
    """Drop what the model is not sure enough of."""
    least = _min_confidence(detection, context.settings)
    if is_below(detection.confidence, least):
        return f"confidence {percent(detection.confidence, least)} is below {_limit(least)}"
    return _no_plate(detection, context.settings.alpr)


def _no_plate(detection: Detection, alpr: Alpr) -> str | None:
    """Return why a text that was read is no plate: the service itself doubts that there is one."""
    score = detection.attributes.get("dscore")
    if detection.model != "alpr" or alpr.alpr_service != "plate_recognizer":
        return None
    least = alpr.platerec_min_dscore
    if not isinstance(score, float) or not is_below(score, least):
        return None
    return f"there is a plate with confidence {percent(score, least)}, below {_limit(least)}"


def _limit(least: float) -> str:
    return f"{exact(least * 100)}%"


def _min_confidence(detection: Detection, settings: Settings) -> float:
    """Return the label's own limit, or else the larger of the model's and the common one."""
    label = settings.labels.get(detection.label.lower())
    if label and label.min_confidence is not None:
        return label.min_confidence
    return max(_of_model(detection.model, settings), settings.gate.min_confidence)


def _of_model(model: str, settings: Settings) -> float:
    if model == "yolo":
        return settings.yolo.yolo_min_confidence
    if model == "hog":
        return settings.hog.hog_min_confidence
    if model == "camera":
        return settings.snapshots.snapshot_min_score
    return _of_plate_service(settings.alpr) if model == "alpr" else 0.0


def _of_plate_service(alpr: Alpr) -> float:
    return {
        "local": alpr.plate_min_confidence,
        "plate_recognizer": alpr.platerec_min_score,
        "open_alpr": alpr.openalpr_min_confidence,
        "open_alpr_cmdline": alpr.openalpr_cmdline_min_confidence,
    }[alpr.alpr_service]


# -- pattern ---------------------------------------------------------------------------------------


def pattern(detection: Detection, context: Context) -> str | None:
    """Drop labels that neither the common pattern nor any zone's own one matches."""
    expected = pattern_for(detection, context.settings)
    if matches(expected, detection.label) or _a_zone_matches(detection, context.settings):
        return None
    return f"label does not match {expected}"


def pattern_for(detection: Detection, settings: Settings) -> str:
    """Return the pattern for detections of this kind."""
    general = settings.general
    return {"face": general.face_detection_pattern, "licenseplate": general.alpr_pattern}.get(
        detection.kind, general.detect_pattern
    )


def _a_zone_matches(detection: Detection, settings: Settings) -> bool:
    patterns = (rule.detection_pattern for rule in settings.zone_rules.values())
    return any(matches(text, detection.label) for text in patterns if text)


# -- size ------------------------------------------------------------------------------------------


def size(detection: Detection, context: Context) -> str | None:
    """Drop what is too large or too small; a percentage is of the full picture's area."""
    gate, picture = context.settings.gate, context.width * context.height
    label = context.settings.labels.get(detection.label.lower())
    most = (label and label.max_detection_size) or gate.max_detection_size
    least = (label and label.min_detection_size) or gate.min_detection_size
    area = detection.box.area
    if most and is_above(area, most.pixels(picture)):
        return f"size {_size_text(area, picture, most)} is above {most}"
    if least and is_below(area, least.pixels(picture)):
        return f"size {_size_text(area, picture, least)} is below {least}"
    return None


def _size_text(area: int, picture: int, limit: Extent) -> str:
    share = area * 100 / picture
    return f"{area}px ({apart(share, limit.value) if limit.unit == '%' else f'{share:.2f}'}%)"


# -- zone ------------------------------------------------------------------------------------------


def zone(detection: Detection, context: Context) -> str | None:
    """Drop what lies in none of the monitor's zones, or in zones that all refuse its label."""
    if not context.zones:
        return None
    overlaps = context.zones_of(detection)
    if not overlaps:
        return _outside(detection, context)
    deciding = _deciding(overlaps, context.settings.gate)
    reasons = [_refusal(detection, overlap, context) for overlap in deciding]
    return None if None in reasons else "; ".join(filter(None, reasons))


def _outside(detection: Detection, context: Context) -> str:
    """Name where its foot is, or the zone that holds most of it and how much that is."""
    gate = context.settings.gate
    if gate.zone_anchor == "foot":
        return f"its foot at {_foot(detection)} is in none of the zones {context.zone_names}"
    text = f"in none of the zones {context.zone_names}"
    if not gate.zone_min_overlap:
        return text
    from zmhook.gate.overlap import shares

    polygons = [zone.points for zone in context.zones]
    inside = shares(polygons, [detection.box])[:, 0].tolist()
    share, zone = max(zip(inside, context.zones, strict=True), key=lambda pair: pair[0])
    if not share:
        return text
    least = gate.zone_min_overlap
    most = f"{percent(share, least)} of it is in {zone.name}"
    return f"{text} by {exact(least * 100)}%: {'at most ' if len(inside) > 1 else ''}{most}"


def _foot(detection: Detection) -> str:
    box = detection.box
    return f"{(box.x1 + box.x2) / 2:g},{box.y2}"


def _deciding(overlaps: Sequence[Overlap], gate: Gate) -> Sequence[Overlap]:
    """Return the overlaps whose zones decide (`zone_match_strategy`)."""
    if gate.zone_match_strategy == "first_intersecting":
        return overlaps[:1]
    if gate.zone_match_strategy == "largest_overlap":
        return [max(overlaps, key=lambda overlap: overlap.share)]
    return overlaps


def _refusal(detection: Detection, overlap: Overlap, context: Context) -> str | None:
    """Return why the zone refuses it; the zone's pattern replaces the common one."""
    rule = overlap.zone.rule
    expected = rule.detection_pattern or pattern_for(detection, context.settings)
    if not matches(expected, detection.label):
        where = _position(detection, overlap, context.settings.gate)
        return f"{where}, whose pattern {expected} it does not match"
    ignored = rule.ignore_pattern
    if ignored and matches(ignored, detection.label):
        return f"{_position(detection, overlap, context.settings.gate)}, which ignores {ignored}"
    return None


def _position(detection: Detection, overlap: Overlap, gate: Gate) -> str:
    name = overlap.zone.name
    if gate.zone_anchor == "foot":
        return f"with its foot at {_foot(detection)} in zone {name}"
    if gate.zone_min_overlap or gate.zone_match_strategy == "largest_overlap":
        return f"with {percent(overlap.share, gate.zone_min_overlap)} in zone {name}"
    return f"in zone {name}"


DETECTION_RULES: dict[str, Rule] = {
    "confidence": confidence,
    "pattern": pattern,
    "size": size,
    "zone": zone,
}
"""In this order; the first that drops ends the matter. What they keep may let a model run."""
