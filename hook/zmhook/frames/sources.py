"""Which places an event's pictures are taken from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.errors import FrameError, FrameNotNeeded, FrameUnavailable
from zmhook.frames.ids import all_ids, is_track
from zmhook.frames.patience import Patience

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Event, Picture
    from zmhook.frames.base import Source
    from zmhook.frames.file import FileSource
    from zmhook.frames.snapshots import SnapshotFrames
    from zmhook.portal import Portal
    from zmhook.settings import General, Settings

log = logging.getLogger(__name__)

NAMED = frozenset({"snapshot", "alarm", "bestmatch"})
"""Pictures that are files of their own in an event's folder, even where only its video is kept."""

# A file that is being rewritten is whole again within milliseconds. When the portal can be asked
# too, that is all the waiting a folder is worth.
BRIEF = Patience(attempts=4, pause=0.05)


def open_source(
    event: Event,
    settings: Settings,
    deadline: Deadline,
    file: str | FileSource = "",
    portal: Portal | None = None,
) -> Source:
    """Return where this event's pictures come from.

    A `file` is looked at in place of an event. Otherwise the event's folder is asked first (when
    its path was given and `prefer_event_folder` is on), and the portal for what is not there. The
    portal is not asked where an unnamed folder is: that costs as much as fetching the picture.
    The camera's own snapshots come from their store (`frame_source`).

    Pass a `portal` to share its connection; the source closes it. Raises `FrameUnavailable` when
    there is no place to look.
    """
    general = settings.general
    if file:
        from zmhook.frames.file import FileSource

        if isinstance(file, FileSource):
            return file
        return FileSource(file, general.max_picture_pixels)
    asked = portal or _portal(event, general)
    places = [*_folders(event, general), *_portals(event, general, asked)]
    mode = settings.snapshots.frame_source
    if not places and mode == "portal":
        raise FrameUnavailable(_nowhere(event))
    deadline.check("looking for pictures")
    pause = Pause(general.wait)
    events = _with_extent(InTurn(places or [Nowhere(event)], pause), event, settings, asked)
    if mode == "portal":
        return events
    from zmhook.frames.snapshots import SnapshotFrames

    snapshots = SnapshotFrames(event, settings, asked)
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


class InTurn:
    """Asks one place after the other."""

    def __init__(self, places: list[Source], pause: Pause) -> None:
        self.places = places
        self.pause = pause

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        self.pause.once(deadline)
        for place in self.places[:-1]:
            try:
                return place.picture(frame_id, deadline)
            except FrameError as error:
                log.debug("%s; asking elsewhere", error)
        return self.places[-1].picture(frame_id, deadline)

    def close(self) -> None:
        for place in self.places:
            place.close()


class WithSnapshots:
    """The camera's own pictures, and those of the event: beside them, or `instead` of them."""

    def __init__(
        self, snapshots: SnapshotFrames, events: Source, pause: Pause, *, instead: bool
    ) -> None:
        self.snapshots = snapshots
        self.events = events
        self.pause = pause
        self.instead = instead

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        self.pause.once(deadline)
        if is_track(frame_id):
            return self.snapshots.picture(frame_id, deadline)
        if self.instead and self.snapshots.given:
            raise FrameNotNeeded(f"{frame_id}: the camera's own picture stands in its place")
        return self.events.picture(frame_id, deadline)

    def must_wait(self, frame_id: str, deadline: Deadline) -> bool:
        return is_track(frame_id) and self.snapshots.must_wait(deadline)

    def close(self) -> None:
        self.snapshots.close()
        self.events.close()


class Nowhere:
    """Has no pictures, and says why."""

    def __init__(self, event: Event) -> None:
        self.event = event

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:  # noqa: ARG002 - it has none
        raise FrameUnavailable(_nowhere(self.event))

    def close(self) -> None:
        """Nothing is held open."""


def _with_extent(source: Source, event: Event, settings: Settings, portal: Portal | None) -> Source:
    """Put in what turns `20%` and `all` into frames, where these are asked for."""
    wanted = settings.general.frame_id
    if "all" not in wanted and not any(one.endswith("%") for one in wanted):
        return source
    from zmhook.frames.extent import Extent

    named = {one for one in wanted if one.isdecimal()}
    optional = set(all_ids(settings)) - named if "all" in wanted else ()
    return Extent(source, event, portal, optional)


def _folders(event: Event, general: General) -> list[Source]:
    """Return the event's folder, and the video in it where frames are asked for by number."""
    has_portal = bool(general.portal) and event.id is not None
    if not event.path or (has_portal and not general.prefer_event_folder):
        return []
    from zmhook.frames.event_folder import EventFolder

    videos = _videos(event, general)
    is_last = not has_portal and not videos
    folder = EventFolder(
        event.path,
        general.max_picture_pixels,
        _patience(general) if is_last else BRIEF,
        missing_is_final=not is_last,
    )
    return [folder, *videos]


def _videos(event: Event, general: General) -> list[Source]:
    if all(one in NAMED for one in general.frame_id):
        return []
    from zmhook.frames.video import VideoFrames, video_of

    video = video_of(event.path)
    return [VideoFrames(video, general.max_picture_pixels)] if video else []


def _portal(event: Event, general: General) -> Portal | None:
    if event.id is None or not general.portal:
        return None
    from zmhook.portal import Portal

    return Portal(general)


def _portals(event: Event, general: General, portal: Portal | None) -> list[Source]:
    if event.id is None or portal is None or not general.portal:
        return []
    from zmhook.frames.zoneminder import PortalFrames

    return [PortalFrames(portal, event.id, general.max_picture_pixels, _patience(general))]


def _patience(general: General) -> Patience:
    return Patience(general.max_attempts, general.sleep_between_attempts)


def _nowhere(event: Event) -> str:
    if event.id is None:
        return "no picture to look at: give an event id, an event's folder or a file"
    return (
        f"{event}: nowhere to get its pictures from: set [general] portal, or have the event's"
        " folder passed (the notification server does so with hook_pass_image_path = yes)"
    )
