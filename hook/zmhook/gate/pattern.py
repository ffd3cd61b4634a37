"""Drop labels that nobody asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.settings import Settings


def reason(detection: Detection, settings: Settings) -> str | None:
    general = settings.general
    wanted = general.face_detection_pattern if detection.kind == "face" else general.detect_pattern
    if re.match(wanted, detection.label):
        return None
    return f"label does not match {wanted}"
