"""Write what was found into the event's notes, where ZoneMinder's web page shows it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from zmhook.errors import PortalError
from zmhook.render.described import descriptions, sentence
from zmhook.render.line import bracketed, words_of
from zmhook.zoneminder.event_row import event_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.deadline import Deadline
    from zmhook.detection import Decision
    from zmhook.zoneminder.api import Portal

log = logging.getLogger(__name__)

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


def write_notes(
    decision: Decision, text: str, portal: Portal, deadline: Deadline | None = None
) -> None:
    """Put `text` (the detection line, its JSON is left off) before ZoneMinder's own notes.

    Behind it comes what large models said about the picture, shortened. An older detection there
    is replaced. Characters that the database refuses are replaced by question marks rather than
    the notes lost. Raises `PortalError` when they cannot be written.
    """
    found = " ".join(words_of(text).split())
    if decision.event.id is None or not found:
        return
    old = event_row(portal.event(decision.event.id, deadline)).notes
    remarks = "".join(f" {one}" for one in _remarks(decision))
    attempts = list(_storable(merged(f"{found}{remarks}", old)))
    for notes in attempts:
        try:
            portal.set_notes(decision.event.id, notes, deadline)
        except PortalError as error:
            if error.status != SERVER_ERROR or notes is attempts[-1]:
                raise
            log.debug("%s; trying with simpler characters", error)
        else:
            return


def merged(found: str, old: str) -> str:
    """Return the notes: what was found, then what ZoneMinder wrote."""
    begin = _OURS.search(old)
    theirs = f"{old[: begin.start()]} {_after_ours(old[begin.end() :])}" if begin else old
    return _cut(f"{found} {' '.join(theirs.split())}".strip())


def _remarks(decision: Decision) -> list[str]:
    said = ((one.model, sentence(one, LONGEST_REMARK)) for one in descriptions(decision.detections))
    return [bracketed(f"{model}: {text}") for model, text in said if text][:MOST_REMARKS]


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
