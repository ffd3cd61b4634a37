"""What a decision leaves behind, after the answer has gone out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.errors import PortalError, ReportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from zmhook.decide import Decided
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


def publish(decided: Decided, settings: Settings, *, notes: bool = False, output: str = "") -> None:
    """Write pictures, objects.json and notes. One that fails is logged and the next goes on."""
    if decided.frame is None:
        return
    from zmhook.report import files

    general = settings.general
    if decided.decision.outcome == "alarm" and general.write_image_to_zm:
        _attempt(lambda: files.write_to_event(decided, settings))
    if general.write_debug_image:
        _attempt(lambda: files.write_debug_image(decided, settings))
    if output:
        _attempt(lambda: files.write_annotated(decided, settings, output))
    if notes and decided.decision.outcome == "alarm":
        _attempt(lambda: _write_notes(decided, settings))


def _write_notes(decided: Decided, settings: Settings) -> None:
    from zmhook.portal import Portal
    from zmhook.report.line import SPLIT, detection_line
    from zmhook.report.notes import write_notes

    portal = Portal(settings.general)
    try:
        text = detection_line(decided.decision, settings).partition(SPLIT)[0].strip()
        write_notes(decided.decision, text, portal)
    finally:
        portal.close()


def _attempt(write: Callable[[], object]) -> None:
    try:
        write()
    except (ReportError, PortalError) as error:
        log.warning("%s", error)
