"""What the rules know beside the detection: the picture, the zones, the past, the time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from zmhook.gate.overlap import touches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.frame import Crop
    from zmhook.gate.memory import Memory
    from zmhook.gate.overlap import Touch
    from zmhook.gate.places import Place
    from zmhook.memory.object import PastObject
    from zmhook.settings import Settings


class Context:
    """One picture of one event, of `width` x `height` pixels in full.

    `placed` is false when nobody knows which part of the scene it shows.
    What is compared with many things (zones, what was there before) is worked out for all of
    `found` at once, when a rule first asks. `now` is when the event was asked about, seconds since
    the epoch.
    """

    def __init__(
        self,
        event: Event,
        settings: Settings,
        scene: Crop,
        places: Sequence[Place],
        memory: Memory,
        found: Sequence[Detection],
    ) -> None:
        self.event = event
        self.settings = settings
        self.width, self.height = scene.width, scene.height
        self.placed = scene.placed
        self.places = places
        self.memory = memory
        self.now = event.asked
        self._found = found
        self._touches: dict[int, list[Touch]] | None = None
        self._earlier: dict[int, PastObject] | None = None

    @cached_property
    def names(self) -> str:
        """The zones' names."""
        return ", ".join(place.name for place in self.places)

    def touched(self, detection: Detection) -> list[Touch]:
        """Return the zones that the detection, one of `found`, lies in."""
        if self._touches is None:
            rows = touches(self._found, self.places, self.settings.gate)
            self._touches = {id(one): row for one, row in zip(self._found, rows, strict=True)}
        return self._touches[id(detection)]

    def earlier(self, detection: Detection) -> PastObject | None:
        """Return what stood in the same place in an earlier event."""
        if self._earlier is None:
            size = (self.width, self.height)
            self._earlier = self.memory.earlier(self._found, size)
        return self._earlier.get(id(detection))
