"""Which places an event's pictures are taken from."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.errors import FrameError, FrameUnavailable
from zmhook.frames.patience import Patience

if TYPE_CHECKING:
    from zmhook.deadline import Deadline
    from zmhook.event import Event, Picture
    from zmhook.frames.base import Source
    from zmhook.portal import Portal
    from zmhook.settings import General, Settings

log = logging.getLogger(__name__)

# A file that is being rewritten is whole again within milliseconds. When the portal can be asked
# too, that is all the waiting a folder is worth.
BRIEF = Patience(attempts=4, pause=0.05)


def open_source(
    event: Event,
    settings: Settings,
    deadline: Deadline,
    file: str = "",
    portal: Portal | None = None,
) -> Source:
    """Return where this event's pictures come from.

    A `file` is looked at in place of an event. Otherwise the event's folder is asked first (when
    its path was given and `prefer_event_folder` is on), and the portal for what is not there. The
    portal is not asked where an unnamed folder is: that costs as much as fetching the picture.

    Pass a `portal` to share its connection; the source closes it. Raises `FrameUnavailable` when
    there is no place to look.
    """
    general = settings.general
    if file:
        from zmhook.frames.file import FileSource

        return FileSource(file, general.max_picture_pixels)
    places = [*_folders(event, general), *_portals(event, general, portal)]
    if not places:
        raise FrameUnavailable(_nowhere(event))
    deadline.check("looking for pictures")
    return InTurn(places, general.wait)


class InTurn:
    """Asks one place after the other; waits `wait` seconds before the very first picture."""

    def __init__(self, places: list[Source], wait: float) -> None:
        self.places = places
        self.wait = wait

    def picture(self, frame_id: str, deadline: Deadline) -> Picture:
        self._wait(deadline)
        for place in self.places[:-1]:
            try:
                return place.picture(frame_id, deadline)
            except FrameError as error:
                log.debug("%s; asking elsewhere", error)
        return self.places[-1].picture(frame_id, deadline)

    def close(self) -> None:
        for place in self.places:
            place.close()

    def _wait(self, deadline: Deadline) -> None:
        wait, self.wait = self.wait, 0.0
        if wait:
            deadline.sleep(wait)
            deadline.check("waiting as [general] wait says")


def _folders(event: Event, general: General) -> list[Source]:
    has_portal = bool(general.portal) and event.id is not None
    if not event.path or (has_portal and not general.prefer_event_folder):
        return []
    from zmhook.frames.event_folder import EventFolder

    return [
        EventFolder(
            event.path,
            general.max_picture_pixels,
            BRIEF if has_portal else _patience(general),
            missing_is_final=has_portal,
        )
    ]


def _portals(event: Event, general: General, portal: Portal | None) -> list[Source]:
    if event.id is None or not general.portal:
        return []
    from zmhook.frames.zoneminder import PortalFrames
    from zmhook.portal import Portal as RealPortal

    asked = portal or RealPortal(general)
    return [PortalFrames(asked, event.id, general.max_picture_pixels, _patience(general))]


def _patience(general: General) -> Patience:
    return Patience(general.max_attempts, general.sleep_between_attempts)


def _nowhere(event: Event) -> str:
    if event.id is None:
        return "no picture to look at: give an event id, an event's folder or a file"
    return (
        f"{event}: nowhere to get its pictures from: set [general] portal, or have the event's"
        " folder passed (the notification server does so with hook_pass_image_path = yes)"
    )
