"""The gate of one event: which detections count, and why the others do not.

The rules are small functions of (detection, context) in the order of `RULES`, then of `LAST`; each
keeps a detection by returning None or drops it by returning the reason, with its figures. The
first that drops ends the matter, so a dropped detection has exactly one reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detection import ABOUT, Drop, about
from zmhook.gate import confidence, cooldown, pattern, schedule, size, static, verdict, zone
from zmhook.gate.context import Context
from zmhook.gate.memory import Memory
from zmhook.gate.places import places
from zmhook.image.crop import scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from zmhook.deadline import Deadline
    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.frame import Crop
    from zmhook.gate.places import Place
    from zmhook.memory.past import Seen
    from zmhook.settings import Settings
    from zmhook.zoneminder.monitors import Monitor

    Rule = Callable[[Detection, Context], str | None]
    Size = tuple[int, int]
    Judged = tuple[list[Detection], list[Drop]]

RULES: dict[str, Rule] = {
    "confidence": confidence.reason,
    "pattern": pattern.reason,
    "size": size.reason,
    "zone": zone.reason,
}
"""What is right about a detection by itself; it may let a later model run."""

LAST: dict[str, Rule] = {
    "static": static.reason,
    "schedule": schedule.reason,
    "cooldown": cooldown.reason,
}
"""Whether somebody is to be told of it now."""

SAME = 0.5
"""Overlap (IoU) above which things of one label in two pictures of an event are one."""


class Gate:
    """Judges the detections of one event. Raises nothing; `errors` tells what it went without."""

    def __init__(
        self, event: Event, settings: Settings, deadline: Deadline, *, memory: Memory | None = None
    ) -> None:
        self.event = event
        self.settings = settings
        self.deadline = deadline
        self.memory = memory or Memory(event, settings)
        self._monitor: Monitor | None = None
        self._asked = False
        self._places: dict[Size, list[Place]] = {}
        self._present: list[Detection] = []
        self._faint: list[Detection] = []
        self._scenes: list[Crop] = []
        self._size: Size | None = None

    @property
    def errors(self) -> list[str]:
        return self.memory.errors

    @property
    def zones_asked(self) -> float | None:
        """When ZoneMinder told the zones, seconds since the epoch; None where it did not."""
        is_asked = self._monitor is not None and self.settings.gate.import_zm_zones
        return self._monitor.asked if self._monitor and is_asked else None

    def judge(self, found: Sequence[Detection], scene: Crop) -> Judged:
        """Split by `RULES` into what counts and what does not, both in the order they came.

        `scene` is where the picture lies (`frame.whole`); boxes are in the full picture's pixels.
        """
        kept, dropped = self._split(found, scene, RULES)
        if scene.placed:
            faint = [drop.detection for drop in dropped if drop.rule == "confidence"]
            self._faint += self._scaled(_objects(faint), scene)
        return kept, dropped

    def fresh(self, kept: Sequence[Detection], scene: Crop) -> list[Detection]:
        """Return those of them that would ring now: what has to be paid for is asked about them."""
        return self._split(kept, scene, LAST)[0]

    def settle(self, kept: Sequence[Detection], scene: Crop) -> Judged:
        """Judge a picture's detections once all models have looked: descriptions, then `LAST`."""
        ringing, vetoed = _by_verdict(kept, self.settings)
        if scene.placed:
            self._saw(_objects(kept), scene)
        counted, dropped = self._split(ringing, scene, LAST)
        return _without_lone_descriptions(counted, vetoed + dropped)

    def remember(self, kept: Sequence[Detection] = (), *, blind: Collection[str] = ()) -> Judged:
        """Write down, once, what was there and what rings; call it when all is decided.

        Return what of it still counts when all of it has been written, and what does not: an event
        at the same moment may have rung meanwhile. `blind` are the models that have not looked.
        """
        gate = self.settings.gate
        if gate.match_past_detections and self._scenes:
            self.memory.save(self._seen(blind), self.event.asked)
        labels = {one.label for one in ringing(kept)}
        if not gate.cooldown or not labels:
            return list(kept), []
        lefts = self.memory.ring(labels, self.event.asked, gate.cooldown)
        return _without_lone_descriptions(*_by_cooldown(kept, lefts, gate.cooldown))

    def places(self, size: Size) -> list[Place]:
        """Return the zones for a picture of that size."""
        if size not in self._places:
            monitor = self._known_monitor()
            self._places[size] = places(self.event, self.settings, monitor, *size)
        return self._places[size]

    def _split(self, found: Sequence[Detection], scene: Crop, rules: Mapping[str, Rule]) -> Judged:
        # Where nobody knows which part of the scene a picture shows, no zone can be held to it.
        places = self.places((scene.width, scene.height)) if scene.placed and found else []
        context = Context(self.event, self.settings, scene, places, self.memory, found)
        kept: list[Detection] = []
        dropped: list[Drop] = []
        for detection in found:
            drop = _first_drop(detection, context, rules)
            if drop is None:
                kept.append(detection)
            else:
                dropped.append(drop)
        return kept, dropped

    def _saw(self, objects: Sequence[Detection], scene: Crop) -> None:
        """Gather what was there, over all pictures of the event; a thing seen twice is one."""
        self._scenes.append(scene)
        self._present += [
            one
            for one in self._scaled(objects, scene)
            if not any(_is_same(one, known) for known in self._present)
        ]

    def _scaled(self, found: Sequence[Detection], scene: Crop) -> Sequence[Detection]:
        """Return them in the pixels of the event's first picture: others may have another size."""
        self._size = self._size or (scene.width, scene.height)
        if (scene.width, scene.height) == self._size:
            return found
        return [scaled(one, (scene.width, scene.height), self._size) for one in found]

    def _seen(self, blind: Collection[str]) -> Seen:
        from zmhook.memory.past import Seen

        # What lies outside of what was looked at is not missed; a whole picture shows all.
        first = self._scenes[0]
        size = self._size or (first.width, first.height)
        view = first.box if all(scene.is_part for scene in self._scenes) else None
        return Seen(self._present, size, view, blind, self._faint)

    def _known_monitor(self) -> Monitor | None:
        if not self._asked:
            self._asked = True
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


def ringing(kept: Iterable[Detection]) -> list[Detection]:
    """Return those that make an alarm: a description of some other detection is none."""
    return [one for one in kept if one.kind != "description" or verdict.rings(one)]


def _first_drop(detection: Detection, context: Context, rules: Mapping[str, Rule]) -> Drop | None:
    if detection.kind == "description":
        return None
    for name, reason_of in rules.items():
        reason = reason_of(detection, context)
        if reason is not None:
            return Drop(detection=detection, rule=name, reason=reason)
    return None


def _by_verdict(kept: Sequence[Detection], settings: Settings) -> Judged:
    """Let what describes a picture's detections have its say (`gemini_gates`)."""
    verdicts = verdict.Verdicts(kept)
    dropped = [
        Drop(detection=one, rule="gemini", reason=reason)
        for one in kept
        if (reason := verdicts.reason(one, settings.gemini.gemini_gates)) is not None
    ]
    gone = {id(drop.detection) for drop in dropped}
    return [one for one in kept if id(one) not in gone], dropped


def _without_lone_descriptions(kept: list[Detection], dropped: list[Drop]) -> Judged:
    """Leave descriptions of what was dropped out of what is kept; the drops tell them."""
    gone = {about(drop.detection.box) for drop in dropped}
    left = {about(one.box) for one in kept if one.kind != "description"}
    return [
        one
        for one in kept
        if one.kind != "description" or one.attributes.get(ABOUT, "") not in gone - left
    ], dropped


def _by_cooldown(kept: Sequence[Detection], lefts: Mapping[str, float], seconds: float) -> Judged:
    """Take out what rings and what another event was faster to ring."""
    drops = {
        id(one): Drop(
            detection=one,
            rule="cooldown",
            reason=cooldown.text(one.label, lefts[one.label], seconds),
        )
        for one in ringing(kept)
        if one.label in lefts
    }
    return [one for one in kept if id(one) not in drops], list(drops.values())


def _objects(found: Iterable[Detection]) -> list[Detection]:
    return [one for one in found if one.kind == "object"]


def _is_same(one: Detection, other: Detection) -> bool:
    return one.label == other.label and one.box.iou(other.box) > SAME
