"""Write the detection into the event's notes, and again where ZoneMinder has overwritten them.

While an event records, ZoneMinder writes its own notes each time that something new moves, and
what we wrote before is gone. So the notes are checked, less and less often, until the event has
ended: the first time that they are lost they are written again at once, and when they are lost
after that once more at the end, when nobody overwrites them any more.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

from zmhook.errors import NotYet, PortalError
from zmhook.render.line import bracketed, descriptions, detection_line, sentence, words_of
from zmhook.zoneminder.api import Portal
from zmhook.zoneminder.event_row import event_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.detection import Decision
    from zmhook.jobs.work import Work

log = logging.getLogger(__name__)

AGAIN, LAST = "notes-again", "notes-last"
FIRST_CHECK = 5.0
"""Seconds from writing the notes to the first check that they are still there."""

MAX_BYTES = 65_535
"""What the column `Events.Notes` (TEXT) holds."""

SERVER_ERROR = 500
LONGEST_REMARK, MOST_REMARKS = 200, 3

_OURS = re.compile(r"(\[[asmx]\] )?detected:")
# Remarks behind the labels: (gemini: a man with a parcel) (gemini skipped: no network)
# Up to the first ": ", so that a text without an end is gone through once.
_REMARKS = re.compile(r"(?: \((?:[^():]|:(?! ))*: [^()]*\))+")
_PERCENT = re.compile(r":\d+%(?=\s|$)")
# Without percentages only ZoneMinder's causes tell where its own part begins.
_CAUSE = re.compile(r"\b(Motion|Signal|Linked|Forced Web|Continuous|ONVIF|Triggered|Trigger)\b")
_LAST_BMP = 0xFFFF


def write_notes(decision: Decision, text: str, portal: Portal) -> None:
    """Put `text` (the detection string without its JSON) before ZoneMinder's own notes.

    Behind it comes what large models said about the picture, shortened. An older detection there
    is replaced. Characters that the database refuses are replaced by question marks rather than
    the notes lost. Raises `PortalError` when they cannot be written.
    """
    words = " ".join(words_of(text).split())
    if decision.event.id is None or not words:
        return
    old = event_row(portal.event(decision.event.id)).notes
    remarks = "".join(f" {remark}" for remark in _remarks(decision))
    attempts = list(_storable(merged(f"{words}{remarks}", old)))
    for notes in attempts:
        try:
            portal.set_notes(decision.event.id, notes)
        except PortalError as error:
            if error.status != SERVER_ERROR or notes is attempts[-1]:
                raise
            log.debug("%s; trying with simpler characters", error)
        else:
            return


def merged(words: str, old: str) -> str:
    """Return the notes: the detection, then what ZoneMinder wrote."""
    begin = _OURS.search(old)
    theirs = f"{old[: begin.start()]} {_after_ours(old[begin.end() :])}" if begin else old
    return _cut(f"{words} {' '.join(theirs.split())}".strip())


def _remarks(decision: Decision) -> list[str]:
    texts = (
        (description.model, sentence(description, LONGEST_REMARK))
        for description in descriptions(decision.detections)
    )
    return [bracketed(f"{model}: {text}") for model, text in texts if text][:MOST_REMARKS]


def _after_ours(text: str) -> str:
    """Return what follows the labels of a detection, and the remarks behind them."""
    remarks = _REMARKS.search(text)
    labels = text[: remarks.start()] if remarks else text
    *_, percent_end = [0, *(percent.end() for percent in _PERCENT.finditer(labels))]
    are_ours = percent_end == len(labels) if percent_end else not _CAUSE.search(labels)
    if remarks and are_ours:
        return text[remarks.end() :]
    if percent_end:
        return text[percent_end:]
    cause = _CAUSE.search(text)
    return text[cause.start() :] if cause else ""


def _storable(notes: str) -> Iterator[str]:
    """Give the notes with fewer and fewer kinds of characters, each version once.

    MySQL's `utf8` has no characters beyond the basic plane (emoji); a database that was created
    without thought has latin-1 alone.
    """
    basic = "".join(c if ord(c) <= _LAST_BMP else "?" for c in notes)
    latin = notes.encode("latin-1", "replace").decode("latin-1")
    yield from dict.fromkeys((notes, basic, latin))


def _cut(notes: str) -> str:
    return notes.encode("utf-8", "replace")[:MAX_BYTES].decode("utf-8", "ignore")


# -- notes that ZoneMinder overwrites --------------------------------------------------------------


def run_write(work: Work) -> None:
    """Write the notes; raises `PortalError`."""
    event = work.decision.event
    if event.id is None:
        return
    with closing(Portal(work.settings.general)) as portal:
        write_notes(work.decision, detection_line(work.decision, work.settings), portal)
        is_over = event_row(portal.event(event.id)).is_over
    if not is_over:
        work.follow(AGAIN, time.time() + FIRST_CHECK)


def run_check(work: Work) -> None:
    """Check the notes once, and write them again where they are lost.

    Raises `NotYet` while the event records and all is well, and `PortalError`.
    """
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
        work.follow(LAST, time.time() + FIRST_CHECK)
    else:
        raise NotYet("the event is still being recorded")


def run_last_check(work: Work) -> None:
    """Check the notes when the event has ended; raises `NotYet` before that."""
    event_id = work.decision.event.id
    if event_id is None:
        return
    with closing(Portal(work.settings.general)) as portal:
        is_over = event_row(portal.event(event_id)).is_over
    if not is_over:
        raise NotYet("the event is still being recorded")
    run_check(work)


def _ours(work: Work) -> str:
    """Return the beginning of what was written, in characters that any database stores.

    Others may have been replaced, and what follows may have been shortened.
    """
    line = " ".join(words_of(detection_line(work.decision, work.settings)).split())
    kept = 0
    while kept < len(line) and line[kept].isascii():
        kept += 1
    return line[:kept].rstrip()
