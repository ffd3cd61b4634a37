"""Drop what stood at the same place in an earlier event."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context


def reason(detection: Detection, context: Context) -> str | None:
    if not context.settings.gate.match_past_detections or not context.placed:
        return None
    earlier = context.earlier(detection)
    if earlier is None:
        return None
    from zmhook.memory import match

    return match.reason(detection, (context.width, context.height), earlier, context.now)
