"""What the rules know beside the detection: the picture, the zones, the past, the time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.frame import Crop
    from zmhook.gate.overlap import Overlap
    from zmhook.gate.zones import PictureZone
    from zmhook.memory.monitor_memory import MonitorMemory
    from zmhook.memory.past_object import PastObject
    from zmhook.settings import Settings


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
