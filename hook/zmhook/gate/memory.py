"""What the gate remembers from event to event: objects that stay, and labels that rang."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from zmhook.detection import Detection
    from zmhook.event import Event
    from zmhook.settings import Settings
    from zmhook.state.past import PastObject

log = logging.getLogger(__name__)


class Memory:
    """The memory of one event's monitor. What cannot be read is nothing: then things ring.

    Read when first asked, and written once, at the end of the event. What this very event left
    when it was looked at before does not count. An event without a monitor, and a picture without
    an event, leave nothing.
    """

    def __init__(self, event: Event, settings: Settings) -> None:
        self._event = event
        self._settings = settings
        self._past: list[PastObject] | None = None
        self._rung: dict[str, float] | None = None
        self.errors: list[str] = []

    def earlier(
        self, found: Sequence[Detection], size: tuple[int, int], settings: Settings
    ) -> dict[int, PastObject]:
        """Return, by the detection's `id()`, what stood in its place in an earlier event."""
        past = self._objects()
        if not past or not found:
            return {}
        from zmhook.state.past import match_all

        matches = match_all(found, size, past, settings)
        pairs = zip(found, matches, strict=True)
        return {id(one): match for one, match in pairs if match is not None}

    def cooldown(self, label: str, now: float, seconds: float) -> float:
        """Return the seconds for which the label does not ring yet."""
        rung = self._last_rung().get(label)
        return 0.0 if rung is None or rung > now else max(0.0, rung + seconds - now)

    def save(self, present: Sequence[Detection], size: tuple[int, int]) -> None:
        """Remember what was there; what was not, for `past_det_misses` events, is forgotten."""
        if self._event.monitor_id is None or self._event.id is None:
            return
        from zmhook.state.past import Past

        try:
            with Past.open(self._settings) as past:
                past.save(self._event, present, size, self._settings)
        except StateError as error:
            self._failed(error)

    def rang(self, labels: Iterable[str]) -> None:
        if self._event.monitor_id is None or self._event.id is None:
            return
        from zmhook.state.cooldown import Cooldown

        try:
            with Cooldown.open(self._settings) as cooldown:
                cooldown.rang(self._event, labels)
        except StateError as error:
            self._failed(error)

    def _objects(self) -> list[PastObject]:
        if self._past is None:
            self._past = self._read_past()
        return self._past

    def _read_past(self) -> list[PastObject]:
        if self._event.monitor_id is None:
            return []
        from zmhook.state.past import Past

        try:
            with Past.open(self._settings) as past:
                found = past.at(self._event.monitor_id, self._event.asked)
        except StateError as error:
            self._failed(error)
            return []
        return [one for one in found if one.event_id != self._event.id]

    def _last_rung(self) -> dict[str, float]:
        if self._rung is None:
            self._rung = self._read_rung()
        return self._rung

    def _read_rung(self) -> dict[str, float]:
        if self._event.monitor_id is None:
            return {}
        from zmhook.state.cooldown import Cooldown

        try:
            with Cooldown.open(self._settings) as cooldown:
                return cooldown.last(self._event.monitor_id, but=self._event.id)
        except StateError as error:
            self._failed(error)
            return {}

    def _failed(self, error: StateError) -> None:
        if str(error) not in self.errors:
            self.errors.append(str(error))
            log.warning("%s", error)
