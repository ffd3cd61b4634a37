"""Keep the pictures that were fetched (`delete_after_analyze = no`)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.frames.ids import is_track
from zmhook.storage import atomic

if TYPE_CHECKING:
    from zmhook.event import Event
    from zmhook.frame import Frame
    from zmhook.settings import General, Settings

log = logging.getLogger(__name__)


def keep(frame: Frame, event: Event, settings: Settings) -> Path | None:
    """Write the picture file as it came into `image_path`; return where it is.

    Does nothing, and returns None, when pictures are not to be kept, or when this one is not an
    event's. What goes wrong is one logged warning: an event is not lost for it.
    """
    general = settings.general
    if general.delete_after_analyze or event.id is None or not frame.data or frame.id == "file":
        return None
    file = Path(general.image_path) / file_name(event.id, frame.id, general)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(file, frame.data)
    except OSError as error:
        log.warning(
            "%s: the picture could not be kept (%s): check [general] image_path, or set"
            " delete_after_analyze = yes",
            file,
            error.strerror or error,
        )
        return None
    return file


def file_name(event_id: int, frame_id: str, general: General) -> str:
    """Return the name that users know: with the frame's id unless only one is ever fetched.

    The camera's own pictures always have theirs: `12345-track.jpg`.
    """
    is_only_one = (
        len(general.frame_id) == 1 and general.frame_id != ("bestmatch",) and not is_track(frame_id)
    )
    return f"{event_id}.jpg" if is_only_one else f"{event_id}-{frame_id}.jpg"
