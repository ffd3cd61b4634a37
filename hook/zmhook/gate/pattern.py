"""Drop labels that nobody asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.text.patterns import matches

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.settings import Settings


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


def _in_a_zone(detection: Detection, settings: Settings) -> bool:
    """Say whether a zone's own pattern, which stands in place of the common one, matches."""
    patterns = (rule.detection_pattern for rule in settings.zone_rules.values())
    return any(matches(one, detection.label) for one in patterns if one)
