"""An event's pictures from ZoneMinder's portal."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from zmhook.errors import FrameUnavailable, PortalError
from zmhook.frames.base import FrameSource, Pending, Waiter
from zmhook.image.decode import checked
from zmhook.zoneminder.event_row import EventRow, event_row

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frame import Picture
    from zmhook.frames.base import Patience
    from zmhook.zoneminder.api import Portal

log = logging.getLogger(__name__)

ROW_SECONDS = 0.5
"""How long the row of an event that still records is used."""


class EventRows:
    """Fetches the row of one event from the API when it is needed. One thread at a time."""

    def __init__(self, event: Event, portal: Portal | None) -> None:
        self._event = event
        self._portal = portal
        self._row: EventRow | None = None
        self._fetched_at = 0.0
        self._failed = False

    def any(self, deadline: Deadline) -> EventRow | None:
        """Return the row, which may be some seconds old; None when it is unknown."""
        return self._row or self.current(deadline)

    def current(self, deadline: Deadline) -> EventRow | None:
        """Return the row as it is now; None when it is unknown."""
        if self._portal is None or self._event.id is None or self._failed:
            return self._row
        if self._row and (self._row.is_over or time.monotonic() - self._fetched_at < ROW_SECONDS):
            return self._row
        try:
            self._row = event_row(self._portal.event(self._event.id, deadline))
            self._fetched_at = time.monotonic()
        except PortalError as error:
            # An event that has just begun has none yet; the others will not have one later.
            self._failed = not error.retry
            log.log(
                logging.DEBUG if error.retry else logging.WARNING,
                "the row of %s is not known: %s",
                self._event,
                error,
            )
        return self._row


class PortalFrames(FrameSource):
    """Asks the portal, again within bounds while the picture may still come.

    ZoneMinder writes a row into its own log for each image request that fails, so the pause
    between attempts is not to be short. A frame behind the event's end is not asked for at all:
    1.38 would give the last one, and leave it in the event's folder under that number.
    """

    def __init__(
        self,
        portal: Portal,
        event_id: int,
        max_pixels: int,
        patience: Patience,
        rows: EventRows | None = None,
    ) -> None:
        self.portal = portal
        self.event_id = event_id
        self.max_pixels = max_pixels
        self._rows = rows
        self._waiter = Waiter(patience)
        self._missed: set[str] = set()

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        """As `FrameSource.attempt`.

        The second attempt may follow the first at once: it asks whether the event is over, after
        which nothing comes any more. Meanwhile another picture can be decided.
        """
        outcome = self._waiter.attempt(frame_id, lambda: self._once(frame_id, deadline), deadline)
        if isinstance(outcome, Pending) and self._rows and frame_id not in self._missed:
            self._missed.add(frame_id)
            return outcome._replace(seconds=0.0)
        return outcome

    def close(self) -> None:
        self.portal.close()

    def _once(self, frame_id: str, deadline: Deadline) -> Picture:
        if frame_id.isdecimal():
            self._check_number(int(frame_id), deadline)
        data = self._image(frame_id, deadline)
        origin = self.portal.image_origin(self.event_id, frame_id)
        return checked(data, frame_id, origin, self.max_pixels, is_answer=True)

    def _image(self, frame_id: str, deadline: Deadline) -> bytes:
        row = None
        if self._rows and frame_id in self._missed:
            row = self._rows.current(deadline)
        try:
            return self.portal.image(self.event_id, frame_id, deadline)
        except FrameUnavailable as error:
            error.retry = error.retry and not (row and row.is_over)
            raise

    def _check_number(self, number: int, deadline: Deadline) -> None:
        """Raise `FrameUnavailable` for a frame that is not there (yet).

        While an event records, its row is some seconds behind. If the row is unknown, the
        picture is asked for: a frame too many does less harm than an event without a picture.
        """
        row = self._rows.any(deadline) if self._rows else None
        if self._rows and row and number > row.frames and not row.is_over:
            row = self._rows.current(deadline)
        if row and number > row.frames:
            raise FrameUnavailable(
                f"{self.portal.address}: event {self.event_id} has only {row.frames} frames"
                f"{'' if row.is_over else ' yet'}, and no frame {number}",
                retry=not row.is_over,
            )
