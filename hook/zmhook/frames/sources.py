"""Open the sources of an event's pictures, in the order in which they are asked."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.errors import (
    FrameError,
    FrameNotNeeded,
    FrameUnavailable,
    PictureError,
    PortalError,
)
from zmhook.frames.base import ONCE, FrameSource, Patience, Pending, all_ids, is_track
from zmhook.frames.event_folder import stills, video_of
from zmhook.frames.portal import EventRows

if TYPE_CHECKING:
    from collections.abc import Collection

    from zmhook.deadline import Deadline
    from zmhook.event import Event
    from zmhook.frame import Picture
    from zmhook.frames.file import FileSource
    from zmhook.frames.snapshots import SnapshotFrames
    from zmhook.settings import General, Settings
    from zmhook.zoneminder.api import Portal

log = logging.getLogger(__name__)

# A file that is being rewritten is whole again within milliseconds. When the portal can be asked
# too, that is all the waiting a folder is worth.
BRIEF = Patience(attempts=4, pause=0.05)

FILE_POLL = 0.1
"""Seconds between two checks whether a file is there."""


def open_source(
    event: Event,
    settings: Settings,
    deadline: Deadline,
    file: str | FileSource = "",
    portal: Portal | None = None,
) -> FrameSource:
    """Return where this event's pictures come from.

    A `file` replaces an event. Otherwise the event's folder is asked first (when
    its path was given and `prefer_event_folder` is on), and the portal for what is not there. The
    portal is not asked where an unnamed folder is: that costs as much as fetching the picture.
    The camera's own snapshots come from their store (`frame_source`).

    Pass a `portal` to share its connection; the source closes it. Raises `FrameUnavailable` when
    there is no source.
    """
    general = settings.general
    if file:
        from zmhook.frames.file import FileSource

        if isinstance(file, FileSource):
            return file
        return FileSource(file, general.max_picture_pixels)
    portal = portal or _portal(event, general)
    rows = EventRows(event, portal)
    sources = [*_folders(event, general, rows), *_portals(event, general, portal, rows)]
    mode = settings.snapshots.frame_source
    if not sources and mode == "portal":
        raise FrameUnavailable(_nowhere(event))
    deadline.check("looking for pictures")
    pause = Pause(general.wait)
    events = _with_percent(InTurn(sources or [Nowhere(event)], pause), event, settings, rows)
    if mode == "portal":
        return events
    from zmhook.frames.snapshots import SnapshotFrames

    snapshots = SnapshotFrames(event, settings, rows)
    return WithSnapshots(snapshots, events, pause, instead=mode == "fallback")


class Pause:
    """The seconds before the very first picture, waited once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def once(self, deadline: Deadline) -> None:
        seconds, self.seconds = self.seconds, 0.0
        if seconds:
            deadline.sleep(seconds)
            deadline.check("waiting as [general] wait says")


class InTurn(FrameSource):
    """Asks one source after the other, and again those that may have the picture later."""

    def __init__(self, sources: list[FrameSource], pause: Pause) -> None:
        self.sources = sources
        self.pause = pause

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        self.pause.once(deadline)
        for source in self.sources[:-1]:
            try:
                outcome = source.attempt(frame_id, deadline)
            except (FrameError, PortalError) as error:
                log.debug("%s; asking elsewhere", error)
                continue
            # What is there is whole in a moment. What is not there may be elsewhere.
            if not isinstance(outcome, Pending) or isinstance(outcome.error, PictureError):
                return outcome
        return self.sources[-1].attempt(frame_id, deadline)

    def close(self) -> None:
        for source in self.sources:
            source.close()


class WithSnapshots(FrameSource):
    """The camera's own pictures, and those of the event: beside them, or `instead` of them."""

    def __init__(
        self, snapshots: SnapshotFrames, events: FrameSource, pause: Pause, *, instead: bool
    ) -> None:
        self.snapshots = snapshots
        self.events = events
        self.pause = pause
        self.instead = instead

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:
        self.pause.once(deadline)
        if is_track(frame_id):
            return self.snapshots.attempt(frame_id, deadline)
        if self.instead and self.snapshots.has_answered:
            raise FrameNotNeeded(f"{frame_id}: the camera's own picture stands in its place")
        return self.events.attempt(frame_id, deadline)

    def close(self) -> None:
        self.snapshots.close()
        self.events.close()


class Nowhere(FrameSource):
    """Has no pictures, and says why."""

    def __init__(self, event: Event) -> None:
        self.event = event

    def attempt(self, frame_id: str, deadline: Deadline) -> Picture | Pending:  # noqa: ARG002 - it has none
        raise FrameUnavailable(_nowhere(self.event))


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


def _with_percent(
    source: FrameSource, event: Event, settings: Settings, rows: EventRows
) -> FrameSource:
    """Add what resolves `20%` and `all`, where `frame_id` has these."""
    names = settings.general.frame_id
    if "all" not in names and not any(name.endswith("%") for name in names):
        return source
    named = {name for name in names if name.isdecimal()}
    optional = set(all_ids(settings)) - named if "all" in names else ()
    return PercentFrames(source, event, rows, optional)


def _folders(event: Event, general: General, rows: EventRows) -> list[FrameSource]:
    """Return the event's folder, with the video in it."""
    has_portal = bool(general.portal) and event.id is not None
    if not event.path or (has_portal and not general.prefer_event_folder):
        return []
    from zmhook.frames.event_folder import EventFolder
    from zmhook.frames.video import FolderOrVideo, VideoFrames

    pixels = general.max_picture_pixels
    folder = EventFolder(
        event.folder,
        pixels,
        BRIEF if has_portal else _patience_with_files(general),
        missing_is_final=has_portal,
    )
    patience = ONCE if has_portal else _patience_with_files(general)
    video = VideoFrames(event.folder, pixels, patience, event_id=event.id, rows=rows)
    return [FolderOrVideo(folder, video)]


def _portal(event: Event, general: General) -> Portal | None:
    if event.id is None or not general.portal:
        return None
    from zmhook.zoneminder.api import Portal

    return Portal(general)


def _portals(
    event: Event, general: General, portal: Portal | None, rows: EventRows
) -> list[FrameSource]:
    if event.id is None or portal is None or not general.portal:
        return []
    from zmhook.frames.portal import PortalFrames

    pixels = general.max_picture_pixels
    return [PortalFrames(portal, event.id, pixels, _patience(general), rows)]


def _patience(general: General) -> Patience:
    return Patience(general.max_attempts, general.sleep_between_attempts)


def _patience_with_files(general: General) -> Patience:
    """Return the patience that is as long, but checks more often, which costs nothing for files."""
    usual = _patience(general)
    pause = min(usual.pause, FILE_POLL)
    return Patience(round(usual.seconds / pause) + 1 if pause else usual.attempts, pause)


def _nowhere(event: Event) -> str:
    if event.id is None:
        return "no picture: give an event id, an event's folder or a file"
    return (
        "no source of pictures: set [general] portal, or have the event's folder passed"
        " (the notification server does so with hook_pass_image_path = yes)"
    )
