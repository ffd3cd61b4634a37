"""An event's pictures from ZoneMinder's portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.frames.patience import Waiter
from zmhook.frames.picture import checked

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Picture
    from zmhook.frames.patience import Patience
    from zmhook.portal import Portal


class PortalFrames:
    """Asks the portal, again within bounds while the picture may still come.

    ZoneMinder writes a row into its own log for each image request that fails, so the pause
    between attempts is not to be short.
    """

    def __init__(self, portal: Portal, event_id: int, max_pixels: int, patience: Patience) -> None:
        self.portal = portal
        self.event_id = event_id
        self.max_pixels = max_pixels
        self._waiter = Waiter(patience)

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        return self._waiter.ask(frame_id, lambda: self._once(frame_id, deadline), deadline)

    def close(self) -> None:
        self.portal.close()

    def _once(self, frame_id: str, deadline: Deadline) -> Picture:
        data = self.portal.image(self.event_id, frame_id, deadline)
        origin = self.portal.image_origin(self.event_id, frame_id)
        return checked(data, frame_id, origin, self.max_pixels)
