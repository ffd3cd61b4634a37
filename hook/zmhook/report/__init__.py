"""Publish a decision after the answer has gone out."""

from __future__ import annotations

import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from zmhook.errors import PortalError, ReportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.decide import Decided
    from zmhook.event import Event
    from zmhook.settings import General, Settings

log = logging.getLogger(__name__)


def publish(decided: Decided, settings: Settings, *, notes: bool = False, output: str = "") -> bool:
    """Write pictures and objects.json, queue the jobs, and record the decision.

    One that fails is logged and the next goes on. What may take time is done in the background;
    only with `notes`, for somebody who waits for it, the event's notes are written here. Returns
    False where there is a picture and it could not be written to the folder `output`.
    """
    from zmhook.history.record import record
    from zmhook.jobs.enqueue import enqueue, jobs_for

    jobs = jobs_for(decided, settings, notes=notes)
    # Whoever reads the answer looks for the picture. But what must not be lost is not to wait for
    # an API that may not answer: neither to tell the event's folder, nor to take the notes.
    is_at_hand = bool(decided.decision.event.path)
    if is_at_hand:
        _write_pictures(decided, settings)
    enqueue(decided, settings, jobs)
    record(decided.decision, settings)
    if not is_at_hand:
        _write_pictures(decided, settings)
    if decided.decision.outcome == "alarm" and notes:
        _attempt(lambda: _write_notes(decided, settings))
    return not output or decided.frame is None or _write_to(output, decided, settings)


def _write_pictures(decided: Decided, settings: Settings) -> None:
    from zmhook.report import artifacts

    if decided.frame is None:
        return
    general = settings.general
    is_alarm = decided.decision.outcome == "alarm"
    if is_alarm and general.write_image_to_zm:
        _attempt(lambda: _write_to_event(decided, settings))
    if general.write_debug_image:
        _attempt(lambda: artifacts.write_debug_image(decided, settings))


def _write_to(output: str, decided: Decided, settings: Settings) -> bool:
    """Write the picture that somebody waits for; say whether it was written."""
    from zmhook.report import artifacts

    try:
        artifacts.write_annotated(decided, settings, output)
    except ReportError as error:
        log.error("%s", error)  # noqa: TRY400 - it was made to be read
        return False
    return True


def _write_to_event(decided: Decided, settings: Settings) -> None:
    from zmhook.report import artifacts

    folder = event_folder(decided.decision.event, settings.general)
    if folder:
        artifacts.write_to_event(decided, settings, folder)


def event_folder(event: Event, general: General) -> str:
    """Return the folder that the caller named, or the API's; "" for neither.

    The API is asked only now, when it delays no answer any more, and only a folder on this machine
    counts.
    """
    if event.path or event.id is None or not general.portal:
        return event.folder
    from zmhook.zoneminder.api import Portal

    with closing(Portal(general)) as portal:
        folder = portal.event_folder(event.id)
    if Path(folder).is_dir():
        return folder
    log.debug("%s: its folder is not on this machine: %s", event, folder)
    return ""


def _write_notes(decided: Decided, settings: Settings) -> None:
    from zmhook.render.line import detection_line
    from zmhook.report.notes import write_notes
    from zmhook.zoneminder.api import Portal

    with closing(Portal(settings.general)) as portal:
        write_notes(decided.decision, detection_line(decided.decision, settings), portal)


def _attempt(write: Callable[[], object]) -> None:
    try:
        write()
    except (ReportError, PortalError) as error:
        log.warning("%s", error)
