"""Drop what is too large or too small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.text.numbers import apart, is_above, is_below

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context
    from zmhook.settings import Extent


def reason(detection: Detection, context: Context) -> str | None:
    """Compare the box's area; a percentage is of the full picture."""
    gate, picture = context.settings.gate, context.width * context.height
    own = context.settings.labels.get(detection.label.lower())
    most = (own and own.max_detection_size) or gate.max_detection_size
    least = (own and own.min_detection_size) or gate.min_detection_size
    area = detection.box.area
    if most and is_above(area, most.pixels(picture)):
        return f"size {_shown(area, picture, most)} is above {most}"
    if least and is_below(area, least.pixels(picture)):
        return f"size {_shown(area, picture, least)} is below {least}"
    return None


def _shown(area: int, picture: int, limit: Extent) -> str:
    share = area * 100 / picture
    return f"{area}px ({apart(share, limit.value) if limit.unit == '%' else f'{share:.2f}'}%)"
