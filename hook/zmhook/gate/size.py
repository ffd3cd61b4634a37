"""Drop what is too large or too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context


def reason(detection: Detection, context: Context) -> str | None:
    """Compare the box's area; a percentage is of the full picture."""
    gate, picture = context.settings.gate, context.width * context.height
    own = context.settings.labels.get(detection.label.lower())
    most = (own and own.max_detection_size) or gate.max_detection_size
    least = (own and own.min_detection_size) or gate.min_detection_size
    area = detection.box.area
    if most and area > most.pixels(picture):
        return f"size {_shown(area, picture)} is above {most}"
    if least and area < least.pixels(picture):
        return f"size {_shown(area, picture)} is below {least}"
    return None


def _shown(area: int, picture: int) -> str:
    return f"{area}px ({area / picture:.2%})"
