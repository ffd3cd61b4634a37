"""Pictures that may still come, and waiting for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zmhook.errors import FrameUnavailable, PictureError, PortalError

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.frame import Picture
    from zmhook.frames.base import Source


class Pending(NamedTuple):
    """A picture that is not there yet: ask again in `seconds`. `error` says why.

    `is_cheap`: asking again costs nothing, so that somebody who does not want to wait may.
    """

    error: FrameUnavailable | PictureError | PortalError
    seconds: float
    is_cheap: bool = False


def waited_for(source: Source, frame_id: str, deadline: Deadline) -> Picture:
    """Return the picture, after waiting for it within the bounds that the source sets.

    Raises as `Source.attempt` does.
    """
    while isinstance(found := source.attempt(frame_id, deadline), Pending):
        deadline.sleep(found.seconds)
    return found
