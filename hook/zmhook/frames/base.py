"""What a source of pictures is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Picture


class Source(Protocol):
    """Gives the pictures of one event, by frame id.

    One that may have to wait for a picture can have `must_wait(frame_id, deadline) -> bool`: it
    looks once, and while it says yes `picture` would sleep. Who has no thread to spare asks that
    until it says no.
    """

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        """Return the picture `snapshot`, `alarm`, a frame number or `track`: whole, not decoded.

        Tries again within bounds while the picture may still come. Raises `FrameError` (or
        `PortalError`) when there is none, `DeadlineExceeded` when the event's time is over.
        """

    def close(self) -> None:
        """Free connections. May be called twice."""
