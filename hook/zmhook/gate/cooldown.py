"""Drop labels that have only just rung."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.text.numbers import apart, exact

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
    return text(detection.label, left, seconds)


def text(label: str, left: float, seconds: float) -> str:
    """Return why a label does not ring: it stays quiet for `left` of so many seconds."""
    ago = apart(seconds - left, seconds, 0)
    return f"{label} rang {ago} s ago (cooldown {exact(seconds)})"
