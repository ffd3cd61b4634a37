"""The ids of an event's pictures, in the order in which they are decided."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.errors import FrameNotNeeded, FrameUnavailable
from zmhook.frames.base import FrameSource, Pending
from zmhook.frames.event_files import stills, video_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frame import Picture
    from zmhook.frames.portal import EventRows
    from zmhook.settings import Settings

SNAPSHOT = "snapshot"
BESTMATCH = {"a": "alarm", "s": SNAPSHOT}
TRACK = "track"
"""The camera's best snapshot of what it tracked; the second best is `track2`, and so on."""


def frame_ids(settings: Settings) -> list[str]:
    """Return the ids of what `frame_source` and `frame_id` name, in order."""
    source = settings.snapshots.frame_source
    tracks = [] if source == "portal" else track_ids(settings)
    return tracks if source == "snapshots" else [*tracks, *_of_event(settings)]


def track_ids(settings: Settings) -> list[str]:
    """Return the ids of the best snapshots, in order of rank."""
    return [TRACK, *(f"{TRACK}{i}" for i in range(2, settings.snapshots.snapshot_frames + 1))]


def is_track(frame_id: str) -> bool:
    """Return whether this is a best snapshot, and not ZoneMinder's picture."""
    return frame_id.startswith(TRACK)


def all_ids(settings: Settings) -> list[str]:
    """Return the ids that `all` stands for; an event may well have fewer frames."""
    general = settings.general
    step = general.frame_skip + 1
    return [str(general.start_frame + i * step) for i in range(general.max_frames)]


def _of_event(settings: Settings) -> list[str]:
    """Expand `frame_id`: each picture once, and no more than `max_frames`."""
    ids: list[str] = []
    for name in settings.general.frame_id:
        if name == "bestmatch":
            ids += [BESTMATCH[letter] for letter in settings.general.bestmatch_order]
        elif name == "all":
            ids += all_ids(settings)
        else:
            ids.append(name)
    return list(dict.fromkeys(ids))[: settings.general.max_frames]


class PercentFrames(FrameSource):
    """Turns `20%` into a frame's number, and leaves frames of `all` behind the end out.

    The rest it asks `source` for. `optional` are the ids that `all` stands for.
    """

    def __init__(
        self, source: FrameSource, event: Event, rows: EventRows, optional: Collection[str]
    ) -> None:
        self.source = source
        self.event = event
        self.rows = rows
        self.optional = frozenset(optional)
        self._frames: int | None = None

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        if frame_id.endswith("%"):
            number = self._number(float(frame_id[:-1]), deadline)
            outcome = self.source.attempt(number, deadline)
            if isinstance(outcome, Pending):
                return outcome
            return structs.replace(outcome, id=frame_id)
        if frame_id in self.optional and 0 < self.frames(deadline) < int(frame_id):
            raise FrameNotNeeded(f"{frame_id}: the event has only {self.frames(deadline)} frames")
        return self.source.attempt(frame_id, deadline)

    def close(self) -> None:
        self.source.close()

    def frames(self, deadline: Deadline) -> int:
        """Return how many frames there are by now; asked once."""
        if self._frames is None:
            self._frames = self._in_folder() or self._in_row(deadline)
        return self._frames

    def _number(self, percent: float, deadline: Deadline) -> str:
        frames = self.frames(deadline)
        if not frames:
            raise FrameUnavailable(
                f"{percent:g}%: unknown, since the number of frames of {self.event} is"
            )
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
        # The portal leaves frames there that somebody viewed, of a video too.
        return max([*numbers, length(video.path) if video else 0])

    def _in_row(self, deadline: Deadline) -> int:
        row = self.rows.any(deadline)
        return row.frames if row else 0
