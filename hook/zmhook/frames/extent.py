"""How many frames an event has, and the ids that depend on it: `20%`, and those of `all`."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.errors import FrameNotNeeded, FrameUnavailable, PortalError
from zmhook.untrusted import whole

if TYPE_CHECKING:
    from collections.abc import Collection

    from zmhook.deadline import Deadline
    from zmhook.event import Event, Picture
    from zmhook.frames.base import Source
    from zmhook.portal import Portal

log = logging.getLogger(__name__)


class Extent:
    """Turns `20%` into a frame's number, and leaves frames of `all` behind the end out.

    The rest it asks `source` for. `optional` are the ids that `all` stands for.
    """

    def __init__(
        self, source: Source, event: Event, portal: Portal | None, optional: Collection[str]
    ) -> None:
        self.source = source
        self.event = event
        self.portal = portal
        self.optional = frozenset(optional)
        self._frames: int | None = None

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        if frame_id.endswith("%"):
            number = self._number(float(frame_id[:-1]), deadline)
            found = self.source.picture(number, deadline)
            return structs.replace(found, id=frame_id)
        if frame_id in self.optional and 0 < self.frames(deadline) < int(frame_id):
            raise FrameNotNeeded(f"{frame_id}: the event has only {self.frames(deadline)} frames")
        return self.source.picture(frame_id, deadline)

    def close(self) -> None:
        self.source.close()

    def frames(self, deadline: Deadline) -> int:
        """Return how many frames there are by now; asked once."""
        if self._frames is None:
            self._frames = self._in_folder() or self._told(deadline)
        return self._frames

    def _number(self, percent: float, deadline: Deadline) -> str:
        frames = self.frames(deadline)
        if not frames:
            raise FrameUnavailable(f"{percent:g}%: nobody tells how many frames {self.event} has")
        return str(max(1, math.ceil(frames * percent / 100)))

    def _in_folder(self) -> int:
        if not self.event.path:
            return 0
        from zmhook.frames.video import length, video_of

        try:
            found = [file.name for file in Path(self.event.path).glob("*-capture.jpg")]
        except OSError:
            found = []
        numbers = [whole(one.partition("-")[0]) for one in found]
        video = video_of(self.event.path)
        # The portal leaves frames there that somebody looked at, of a video too.
        return max([*numbers, length(video) if video else 0])

    def _told(self, deadline: Deadline) -> int:
        if self.portal is None or self.event.id is None:
            return 0
        try:
            told = str(self.portal.event(self.event.id, deadline).get("Frames") or "")
        except PortalError as error:
            log.warning("how many frames %s has is not known: %s", self.event, error)
            return 0
        return whole(told)
