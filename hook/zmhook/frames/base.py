"""The base class of the frame sources, and waiting for a picture that may still come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameUnavailable, PictureError, PortalError

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.frame import Picture


class Pending(NamedTuple):
    """A picture that is not there yet: ask again in `seconds`. `error` says why.

    `is_cheap`: asking again costs nothing, so that somebody who does not want to wait may.
    """

    error: FrameUnavailable | PictureError | PortalError
    seconds: float
    is_cheap: bool = False


class FrameSource(ABC):
    """Gives the pictures of one event, by frame id. One thread at a time."""

    @abstractmethod
    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        """Return the picture `snapshot`, `alarm`, a frame number or `track`: whole, not decoded.

        It does not wait: `Pending` while the picture may still come, within the bounds that the
        source sets. Raises `FrameError` (or `PortalError`) when there is none, `DeadlineExceeded`
        when the event's time is over.
        """

    def close(self) -> None:  # noqa: B027 - not every source holds something
        """Free what is held open, such as connections. May be called twice."""


def waited_for(source: FrameSource, frame_id: str, deadline: Deadline) -> Picture:
    """Return the picture, after waiting for it within the bounds that the source sets.

    Raises as `FrameSource.attempt` does.
    """
    while isinstance(found := source.attempt(frame_id, deadline), Pending):
        deadline.sleep(found.seconds)
    return found
