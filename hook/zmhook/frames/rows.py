"""What ZoneMinder's API tells of the event whose pictures are fetched, asked for when needed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from zmhook.errors import PortalError
from zmhook.zoneminder.event_row import EventRow, event_row

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.zoneminder.api import Portal

log = logging.getLogger(__name__)

KEPT = 0.5
"""Seconds that the row of an event which records holds."""


class Rows:
    """The row of one event, as it changes. One thread at a time."""

    def __init__(self, event: Event, portal: Portal | None) -> None:
        self._event = event
        self._portal = portal
        self._told: EventRow | None = None
        self._asked = 0.0
        self._failed = False

    def any(self, deadline: Deadline) -> EventRow | None:
        """Return the row, which may be some seconds old; None when nobody tells it."""
        return self._told or self.current(deadline)

    def current(self, deadline: Deadline) -> EventRow | None:
        """Return the row as it is now; None when nobody tells it."""
        if self._portal is None or self._event.id is None or self._failed:
            return self._told
        if self._told and (self._told.is_over or time.monotonic() - self._asked < KEPT):
            return self._told
        try:
            self._told = event_row(self._portal.event(self._event.id, deadline))
            self._asked = time.monotonic()
        except PortalError as error:
            # An event that has just begun has none yet; the others will not have one later.
            self._failed = not error.retry
            log.log(
                logging.DEBUG if error.retry else logging.WARNING,
                "what ZoneMinder tells of %s is not known: %s",
                self._event,
                error,
            )
        return self._told
