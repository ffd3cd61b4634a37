"""Drop labels that have only just rung."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zmhook.detection import Detection
    from zmhook.gate.context import Context


def reason(detection: Detection, context: Context) -> str | None:
    seconds = context.settings.gate.cooldown
    if not seconds:
        return None
    left = context.memory.cooldown(detection.label, context.now, seconds)
    if left <= 0:
        return None
    return f"{detection.label} rang {seconds - left:.0f} s ago (cooldown {seconds:g})"
