"""The gate of one event: which detections count, and why the others do not.

`DETECTION_RULES` are about a detection by itself, `ALARM_RULES` about whether it alarms now. The
first rule that drops a detection ends the matter, so a dropped detection has exactly one reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detection import ABOUT, Drop, about
from zmhook.gate.alarm_rules import ALARM_RULES, Verdicts, alarming, cooldown_text
from zmhook.gate.rules import DETECTION_RULES, Context
from zmhook.gate.zones import picture_zones
from zmhook.image.crop import scaled
from zmhook.memory.monitor_memory import MonitorMemory

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.frame import Crop
    from zmhook.gate.rules import Rule
    from zmhook.gate.zones import PictureZone
    from zmhook.memory.past import Observation
    from zmhook.settings import Settings
    from zmhook.zoneminder.monitors import Monitor

    Size = tuple[int, int]
    Judged = tuple[list[Detection], list[Drop]]

SAME_IOU = 0.5
"""Overlap (IoU) above which things of one label in two pictures of an event are one."""


class Gate:
    """Judges the detections of one event. Raises nothing; `errors` lists what it went without.

    Boxes are in the full picture's pixels. `location` is where the picture lies in the scene
    (`frame_crop`).
    """

    def __init__(
        self,
        event: Event,
        settings: Settings,
        deadline: Deadline,
        *,
        memory: MonitorMemory | None = None,
    ) -> None:
        self.event = event
        self.settings = settings
        self.deadline = deadline
        self.memory = memory or MonitorMemory(event, settings)
        self._monitor: Monitor | None = None
        self._is_monitor_known = False
        self._zones: dict[Size, list[PictureZone]] = {}
        self._present: list[Detection] = []
        self._low_confidence: list[Detection] = []
        self._locations: list[Crop] = []
        self._size: Size | None = None

    @property
    def errors(self) -> list[str]:
        return self.memory.errors

    @property
    def zones_asked(self) -> float | None:
        """When ZoneMinder gave its zones, seconds since the epoch; None where it did not."""
        is_asked = self._monitor is not None and self.settings.gate.import_zm_zones
        return self._monitor.asked if self._monitor and is_asked else None

    def filter(self, detections: Sequence[Detection], location: Crop) -> Judged:
        """Split by `DETECTION_RULES` into kept and dropped, both in the order they came."""
        kept, dropped = self._split(detections, location, DETECTION_RULES)
        if location.located:
            low = [drop.detection for drop in dropped if drop.rule == "confidence"]
            self._low_confidence += self._scaled(_objects(low), location)
        return kept, dropped

    def notifiable(self, kept: Sequence[Detection], location: Crop) -> list[Detection]:
        """Return those that would alarm now; models that cost money run for them alone."""
        return self._split(kept, location, ALARM_RULES)[0]

    def finish(self, kept: Sequence[Detection], location: Crop) -> Judged:
        """Judge a picture's detections once all models have run: descriptions, `ALARM_RULES`."""
        confirmed, vetoed = _by_verdict(kept, self.settings)
        if location.located:
            self._observe(_objects(kept), location)
        counted, dropped = self._split(confirmed, location, ALARM_RULES)
        return _without_lone_descriptions(counted, vetoed + dropped)

    def record(
        self, kept: Sequence[Detection] = (), *, skipped_models: Collection[str] = ()
    ) -> Judged:
        """Store, once, what was there and what alarms; call it when all is decided.

        Return what of it still counts when all has been written, and what does not: another event
        may have alarmed at the same moment. Objects of `skipped_models` are not missed.
        """
        gate = self.settings.gate
        if gate.match_past_detections and self._locations:
            self.memory.save(self._observation(skipped_models), self.event.asked)
        labels = {detection.label for detection in alarming(kept)}
        if not gate.cooldown or not labels:
            return list(kept), []
        seconds_left = self.memory.record_alarms(labels, self.event.asked, gate.cooldown)
        return _without_lone_descriptions(*_by_cooldown(kept, seconds_left, gate.cooldown))

    def zones(self, size: Size) -> list[PictureZone]:
        """Return the zones for a picture of that size."""
        if size not in self._zones:
            monitor = self._known_monitor()
            self._zones[size] = picture_zones(self.event, self.settings, monitor, *size)
        return self._zones[size]

    def _split(
        self, detections: Sequence[Detection], location: Crop, rules: Mapping[str, Rule]
    ) -> Judged:
        # Zones do not apply to a picture of an unknown part of the scene.
        has_zones = location.located and detections
        zones = self.zones((location.width, location.height)) if has_zones else []
        context = Context(self.event, self.settings, location, zones, self.memory, detections)
        kept: list[Detection] = []
        dropped: list[Drop] = []
        for detection in detections:
            drop = _first_drop(detection, context, rules)
            if drop is None:
                kept.append(detection)
            else:
                dropped.append(drop)
        return kept, dropped

    def _observe(self, objects: Sequence[Detection], location: Crop) -> None:
        """Gather what the event's pictures show; a thing that is in two of them counts once."""
        self._locations.append(location)
        self._present += [
            detection
            for detection in self._scaled(objects, location)
            if not any(_is_same(detection, known) for known in self._present)
        ]

    def _scaled(self, detections: Sequence[Detection], location: Crop) -> Sequence[Detection]:
        """Return them in the pixels of the event's first picture: others may have another size."""
        size = (location.width, location.height)
        self._size = self._size or size
        return (
            detections
            if size == self._size
            else [scaled(detection, size, self._size) for detection in detections]
        )

    def _observation(self, skipped_models: Collection[str]) -> Observation:
        from zmhook.memory.past import Observation

        # What lies outside of the pictures is not missed; a whole picture shows all.
        first = self._locations[0]
        size = self._size or (first.width, first.height)
        view = first.box if all(location.is_part for location in self._locations) else None
        return Observation(self._present, size, view, skipped_models, self._low_confidence)

    def _known_monitor(self) -> Monitor | None:
        if not self._is_monitor_known:
            self._is_monitor_known = True
            self._monitor = self._ask_monitor()
        return self._monitor

    def _ask_monitor(self) -> Monitor | None:
        gate, monitor_id = self.settings.gate, self.event.monitor_id
        has_pixels = any(not zone.percent for zone in self.settings.zones)
        is_needed = gate.import_zm_zones or (has_pixels and gate.monitor_size is None)
        if monitor_id is None or not self.settings.general.portal or not is_needed:
            return None
        from zmhook.zoneminder.monitors import monitor

        return monitor(monitor_id, self.settings, self.deadline)


def _first_drop(detection: Detection, context: Context, rules: Mapping[str, Rule]) -> Drop | None:
    if detection.kind == "description":
        return None
    for name, reason_of in rules.items():
        reason = reason_of(detection, context)
        if reason is not None:
            return Drop(detection=detection, rule=name, reason=reason)
    return None


def _by_verdict(kept: Sequence[Detection], settings: Settings) -> Judged:
    """Apply what the descriptions say about the other detections (`gemini_gates`)."""
    verdicts = Verdicts(kept)
    dropped = [
        Drop(detection=detection, rule="gemini", reason=reason)
        for detection in kept
        if (reason := verdicts.reason(detection, settings.gemini.gemini_gates)) is not None
    ]
    gone = {id(drop.detection) for drop in dropped}
    return [detection for detection in kept if id(detection) not in gone], dropped


def _without_lone_descriptions(kept: list[Detection], dropped: list[Drop]) -> Judged:
    """Take out descriptions of what was dropped."""
    gone = {about(drop.detection.box) for drop in dropped}
    left = {about(detection.box) for detection in kept if detection.kind != "description"}
    return [
        detection
        for detection in kept
        if detection.kind != "description" or detection.attributes.get(ABOUT, "") not in gone - left
    ], dropped


def _by_cooldown(
    kept: Sequence[Detection], seconds_left: Mapping[str, float], seconds: float
) -> Judged:
    """Take out what alarms and what another event was faster to alarm for."""
    drops = {
        id(detection): Drop(
            detection=detection,
            rule="cooldown",
            reason=cooldown_text(detection.label, seconds_left[detection.label], seconds),
        )
        for detection in alarming(kept)
        if detection.label in seconds_left
    }
    return [detection for detection in kept if id(detection) not in drops], list(drops.values())


def _objects(detections: Iterable[Detection]) -> list[Detection]:
    return [detection for detection in detections if detection.kind == "object"]


def _is_same(detection: Detection, other: Detection) -> bool:
    return detection.label == other.label and detection.box.iou(other.box) > SAME_IOU
