"""How many frames an event has, and the ids that depend on it: `20%`, and those of `all`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.errors import FrameNotNeeded, FrameUnavailable
from zmhook.frames.base import FrameSource, Pending
from zmhook.frames.recorded import stills, video_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frame import Picture
    from zmhook.frames.rows import Rows


class Extent(FrameSource):
    """Turns `20%` into a frame's number, and leaves frames of `all` behind the end out.

    The rest it asks `source` for. `optional` are the ids that `all` stands for.
    """

    def __init__(
        self, source: FrameSource, event: Event, rows: Rows, optional: Collection[str]
    ) -> None:
        self.source = source
        self.event = event
        self.rows = rows
        self.optional = frozenset(optional)
        self._frames: int | None = None

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        if frame_id.endswith("%"):
            number = self._number(float(frame_id[:-1]), deadline)
            found = self.source.attempt(number, deadline)
            return found if isinstance(found, Pending) else structs.replace(found, id=frame_id)
        if frame_id in self.optional and 0 < self.frames(deadline) < int(frame_id):
            raise FrameNotNeeded(f"{frame_id}: the event has only {self.frames(deadline)} frames")
        return self.source.attempt(frame_id, deadline)

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
        from zmhook.frames.video import length

        video = video_of(self.event.folder, self.event.id)
        try:
            numbers = stills(self.event.folder)
        except (OSError, ValueError):
            numbers = {}
        # The portal leaves frames there that somebody looked at, of a video too.
        return max([*numbers, length(video.path) if video else 0])

    def _told(self, deadline: Deadline) -> int:
        row = self.rows.any(deadline)
        return row.frames if row else 0
