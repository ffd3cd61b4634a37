"""Make objdetect.mp4 and objdetect.gif, a short animation around the chosen frame.

Made in the background. The frames come from the event's folder, from its video, or from the
portal, whichever has them; while the event still records they may not be there yet, and the job
is tried again.
"""

from __future__ import annotations

import logging
import math
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import NotYet, ReportError
from zmhook.storage import atomic

if TYPE_CHECKING:
    from zmhook.jobs.work import Work
    from zmhook.report.film import Film, Picture
    from zmhook.report.footage import Footage

log = logging.getLogger(__name__)

BEFORE, AFTER = 4.0, 6.0
"""Seconds of the film before and after the frame that answered."""
MOST_FRAMES = 80
MOST_PIXELS = 42_000_000
"""Of all frames together: they are in memory at once."""
FEWEST = 2
FASTEST = 30.0


def run(work: Work) -> None:
    """Write what `animation_types` names into the event's folder.

    Raises `NotYet` when the frames are not there yet, `ReportError`, `MissingPart`.
    """
    folder = _folder(work)
    if folder is None:
        log.debug("%s: no animation: its folder is not on this machine", work.decision.event)
        return
    film = _film(work, folder)
    from zmhook.report.film import as_gif, as_mp4

    animation = work.settings.animation
    for kind in animation.animation_types:
        data = as_mp4(film) if kind == "mp4" else as_gif(film, fast=animation.fast_gif)
        path = folder / f"objdetect.{kind}"
        try:
            atomic.write_to_event(path, data)
        except OSError as error:
            raise ReportError(f"{path}: cannot be written: {error.strerror or error}") from None
        log.debug("wrote %s (%d frames, %d bytes)", path, len(film.others), len(data))


def _folder(work: Work) -> Path | None:
    """Return the event's folder if it is on this machine, from the caller or the API."""
    event = work.decision.event
    if event.path:
        folder = event.folder
    elif event.id is None or not work.settings.general.portal:
        return None
    else:
        from zmhook.zoneminder.api import Portal

        with closing(Portal(work.settings.general)) as portal:
            folder = portal.event_folder(event.id)
    return Path(folder) if Path(folder).is_dir() else None


def _film(work: Work, folder: Path) -> Film:
    from zmhook.render.picture import annotated
    from zmhook.report.film import Film, boxed, fitted
    from zmhook.report.footage import footage_of

    if work.frame is None:
        raise ReportError("there is no picture to begin an animation with")
    width = work.settings.animation.animation_width
    most = most_frames(fitted(work.frame.image, width))
    footage = footage_of(work, folder)
    if footage is None:
        raise NotYet(f"{folder}: neither the event's frames nor its video are there yet")
    numbers = chosen(footage, most)
    if footage.grows and not _reaches_end(footage) and not _is_last_attempt(work):
        raise NotYet(f"{folder}: the frames after the alarm are not there yet")
    others = _of_one_size(footage, numbers, width)
    if len(others) < FEWEST:
        raise NotYet(f"{folder}: the event's frames cannot be read yet")
    drawn = annotated(work.frame, work.decision, work.settings)
    seconds = (numbers[-1] - numbers[0]) / footage.rate
    rate = min(FASTEST, max(1.0, (len(others) - 1) / max(seconds, 0.1)))
    return Film(boxed(drawn, others[0].shape[1], others[0].shape[0]), others, rate)


def _of_one_size(footage: Footage, numbers: list[int], width: int) -> list[Picture]:
    from zmhook.report.film import boxed, fitted

    pictures: list[Picture] = []
    for image in footage.frames(numbers):
        size = pictures[0].shape if pictures else fitted(image, width).shape
        pictures.append(boxed(image, size[1], size[0]))
    return pictures


def chosen(footage: Footage, most: int) -> list[int]:
    """Return the numbers of the frames to show, in order, around the chosen one."""
    begin = max(footage.first, round(footage.at - BEFORE * footage.rate))
    end = min(footage.last, round(footage.at + AFTER * footage.rate))
    begin = min(begin, end)
    step = max(1, math.ceil((end - begin + 1) / most))
    return list(range(begin, end + 1, step))


def _reaches_end(footage: Footage) -> bool:
    return footage.last >= round(footage.at + AFTER * footage.rate)


def most_frames(picture: Picture) -> int:
    """Return how many frames of a picture's size there may be."""
    pixels = int(picture.shape[0]) * int(picture.shape[1])
    return max(FEWEST, min(MOST_FRAMES, MOST_PIXELS // pixels))


def _is_last_attempt(work: Work) -> bool:
    """Say whether what there is now has to do; `tries` does not count this attempt."""
    return work.unit is None or work.unit.tries + 1 >= work.settings.animation.animation_max_tries
