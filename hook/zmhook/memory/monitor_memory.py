"""The memory of one event's monitor: objects that stay, and labels that had an alarm."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from zmhook.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.memory.past import Observation
    from zmhook.memory.past_object import PastObject
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")


class MonitorMemory:
    """Reads at the first use, and writes once, at the end of the event.

    What cannot be read counts as empty, so that things alarm. What this very event stored in an
    earlier run does not count. An event without a monitor, and a picture without an event, store
    nothing.
    """

    def __init__(self, event: Event, settings: Settings) -> None:
        self._event = event
        self._settings = settings
        self._past: list[PastObject] | None = None
        self.errors: list[str] = []

    def past_objects(
        self, detections: Sequence[Detection], size: tuple[int, int]
    ) -> dict[int, PastObject]:
        """Return, by the detection's `id()`, what stood at its spot in an earlier event."""
        past = self._objects()
        if not past or not detections:
            return {}
        from zmhook.memory.match import match_all

        pairs = zip(detections, match_all(detections, size, past, self._settings), strict=True)
        return {id(detection): match for detection, match in pairs if match is not None}

    def cooldown(self, label: str, now: float, seconds: float) -> float:
        """Return the seconds for which the label has no other alarm yet."""
        monitor_id = self._event.monitor_id
        if monitor_id is None:
            return 0.0
        from zmhook.memory.cooldown import Cooldown

        cooldown = Cooldown.open(self._settings)
        return self._tried(
            lambda: cooldown.left(monitor_id, label, now, seconds, self._event.id), 0.0
        )

    def save(self, observation: Observation, now: float) -> None:
        """Store what was there; forget what was not for `past_det_misses` events."""
        monitor_id = self._event.monitor_id
        if monitor_id is None or self._event.id is None:
            return
        from zmhook.memory.past import Past

        past = Past.open(self._settings)
        self._tried(lambda: past.save(self._event, monitor_id, observation, now=now), None)

    def record_alarms(self, labels: Iterable[str], now: float, seconds: float) -> dict[str, float]:
        """Store the alarms; return the labels that another event stored, and their seconds left."""
        monitor_id, event_id = self._event.monitor_id, self._event.id
        if monitor_id is None or event_id is None:
            return {}
        from zmhook.memory.cooldown import Cooldown

        cooldown = Cooldown.open(self._settings)
        return self._tried(lambda: cooldown.record(monitor_id, labels, now, seconds, event_id), {})

    def _objects(self) -> list[PastObject]:
        if self._past is None:
            self._past = self._read_past()
        return self._past

    def _read_past(self) -> list[PastObject]:
        monitor_id, event = self._event.monitor_id, self._event
        if monitor_id is None:
            return []
        from zmhook.memory.past import Past

        past = Past.open(self._settings)
        return self._tried(lambda: past.at(monitor_id, but_event=event.id, now=event.asked), [])

    def _tried(self, task: Callable[[], T], otherwise: T) -> T:
        try:
            return task()
        except StateError as error:
            if str(error) not in self.errors:
                self.errors.append(str(error))
                log.warning("%s", error)
            return otherwise
