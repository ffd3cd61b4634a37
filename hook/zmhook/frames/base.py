"""What a source of pictures is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Picture


class Source(Protocol):
    """Gives the pictures of one event, by frame id."""

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        """Return the picture `snapshot`, `alarm` or a frame number: whole, but not decoded.

        Tries again within bounds while the picture may still come. Raises `FrameError` (or
        `PortalError`) when there is none, `DeadlineExceeded` when the event's time is over.
        """

    def close(self) -> None:
        """Free connections. May be called twice."""
