"""What a source of pictures is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.frames.waiting import Pending


class Source(Protocol):
    """Gives the pictures of one event, by frame id. One thread at a time."""

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        """Return the picture `snapshot`, `alarm`, a frame number or `track`: whole, not decoded.

        It does not wait: `Pending` while the picture may still come, within the bounds that the
        source sets. Raises `FrameError` (or `PortalError`) when there is none, `DeadlineExceeded`
        when the event's time is over.
        """

    def close(self) -> None:
        """Free connections. May be called twice."""
