"""Write an event's notes, and once more where ZoneMinder has overwritten them.

While an event records, ZoneMinder writes its own notes each time that something new moves, and
what we wrote before is gone. So the notes are looked at, less and less often, until the event has
ended: the first time that they are lost they are written again at once, and when they are lost
after that once more at the end, when nobody overwrites them any more.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing
from typing import TYPE_CHECKING

from zmhook.errors import NotYet
from zmhook.render.line import detection_line, words_of
from zmhook.report.notes import write_notes
from zmhook.zoneminder.api import Portal
from zmhook.zoneminder.event_row import event_row

if TYPE_CHECKING:
    from zmhook.jobs.work import Work

log = logging.getLogger(__name__)

AGAIN, LAST = "notes-again", "notes-last"
FIRST_LOOK = 5.0
"""Seconds until they are looked at again after they were written."""


def run_first(work: Work) -> None:
    """Write them; raises `PortalError`."""
    event = work.decision.event
    if event.id is None:
        return
    with closing(Portal(work.settings.general)) as portal:
        write_notes(work.decision, detection_line(work.decision, work.settings), portal)
        is_over = event_row(portal.event(event.id)).is_over
    if not is_over:
        work.follow(AGAIN, time.time() + FIRST_LOOK)


def run(work: Work) -> None:
    """Look once. Raises `NotYet` while the event records and all is well, and `PortalError`."""
    event, text = work.decision.event, _ours(work)
    if event.id is None or not text:
        return
    with closing(Portal(work.settings.general)) as portal:
        row = event_row(portal.event(event.id))
        lost = text not in " ".join(row.notes.split())
        if lost:
            log.debug("%s: its notes were overwritten; writing them again", event)
            write_notes(work.decision, detection_line(work.decision, work.settings), portal)
    if row.is_over:
        return
    if lost:
        work.follow(LAST, time.time() + FIRST_LOOK)
    else:
        raise NotYet("the event is still being recorded")


def run_last(work: Work) -> None:
    """Wait for the event's end, and look then."""
    event_id = work.decision.event.id
    if event_id is None:
        return
    with closing(Portal(work.settings.general)) as portal:
        is_over = event_row(portal.event(event_id)).is_over
    if not is_over:
        raise NotYet("the event is still being recorded")
    run(work)


def _ours(work: Work) -> str:
    """Return the beginning of what was written, in characters that any database stores.

    Others may have been replaced, and what follows may have been shortened.
    """
    line = " ".join(words_of(detection_line(work.decision, work.settings)).split())
    kept = 0
    while kept < len(line) and line[kept].isascii():
        kept += 1
    return line[:kept].rstrip()
