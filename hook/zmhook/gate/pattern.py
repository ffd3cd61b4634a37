"""Drop labels that nobody asked for."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.settings import Settings

log = logging.getLogger(__name__)

# Only a repeated group, or many repeats in a row, can make the standard library's matching take
# for ever.
_REPEATED_GROUP = re.compile(r"\)\s*[*+{?]|([*+}?].*){4}", re.DOTALL)
LONGEST = 0.1
"""Seconds that one match may take."""


def reason(detection: Detection, context: Context) -> str | None:
    wanted = own(detection, context.settings)
    if matches(wanted, detection.label) or _in_a_zone(detection, context.settings):
        return None
    return f"label does not match {wanted}"


def own(detection: Detection, settings: Settings) -> str:
    """Return the pattern for detections of this kind."""
    general = settings.general
    return {"face": general.face_detection_pattern, "licenseplate": general.alpr_pattern}.get(
        detection.kind, general.detect_pattern
    )


@lru_cache(maxsize=4096)
def matches(pattern: str, label: str) -> bool:
    """Say whether the label matches from its beginning.

    A pattern that takes too long counts as matched: an alarm too many is better than one missed.
    """
    if not _REPEATED_GROUP.search(pattern):
        return bool(re.match(pattern, label))
    import regex

    try:
        return bool(regex.match(pattern, label, timeout=LONGEST))
    except TimeoutError:
        log.warning("the pattern %s takes too long: write it without groups in groups", pattern)
        return True
    except regex.error:  # its dialect is not quite that of the standard library
        return bool(re.match(pattern, label))


def _in_a_zone(detection: Detection, settings: Settings) -> bool:
    """Say whether a zone's own pattern, which stands in place of the common one, matches."""
    patterns = (rule.detection_pattern for rule in settings.zone_rules.values())
    return any(matches(one, detection.label) for one in patterns if one)
