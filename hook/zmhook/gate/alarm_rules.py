"""The rules on whether a detection alarms now: past objects, schedule, cool-down, descriptions.

They have the form of those in `rules.py`, but what a description says, which is about others.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from zmhook.detection import ABOUT, ALARM, about
from zmhook.text.numbers import apart, exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detection import Detection
    from zmhook.gate.rules import Context, Rule


def static(detection: Detection, context: Context) -> str | None:
    """Drop what stood at the same spot in an earlier event."""
    if not context.settings.gate.match_past_detections or not context.located:
        return None
    past = context.past_object(detection)
    if past is None:
        return None
    from zmhook.memory import match

    return match.reason(detection, (context.width, context.height), past, context.now)


# -- schedule --------------------------------------------------------------------------------------


def schedule(_: Detection, context: Context) -> str | None:
    """Drop everything in `quiet_times`, and outside of `active_times`."""
    gate = context.settings.gate
    if not gate.quiet_times and not gate.active_times:
        return None
    now = datetime.fromtimestamp(context.now // 60 * 60)  # noqa: DTZ006 - people write local times
    for time in gate.quiet_times:
        if _is_at(time, now):
            return f"quiet at {now:%a %H:%M} (quiet_times {time})"
    if gate.active_times and not any(_is_at(time, now) for time in gate.active_times):
        return f"{now:%a %H:%M} is in none of active_times"
    return None


@lru_cache(maxsize=256)
def _is_at(time: str, now: datetime) -> bool:
    from cronsim import CronSim

    return next(CronSim(time, now - timedelta(minutes=1)), None) == now


# -- cool-down -------------------------------------------------------------------------------------


def cooldown(detection: Detection, context: Context) -> str | None:
    """Drop labels that had an alarm less than `cooldown` seconds ago."""
    seconds = context.settings.gate.cooldown
    if not seconds:
        return None
    left = context.memory.cooldown(detection.label, context.now, seconds)
    return cooldown_text(detection.label, left, seconds) if left > 0 else None


def cooldown_text(label: str, left: float, seconds: float) -> str:
    """Return why a label has no alarm: it stays quiet for `left` of so many seconds."""
    ago = apart(seconds - left, seconds, 0)
    return f"{label} had an alarm {ago} s ago (cooldown {exact(seconds)})"


ALARM_RULES: dict[str, Rule] = {"static": static, "schedule": schedule, "cooldown": cooldown}
"""In this order; the first that drops ends the matter."""


# -- descriptions ----------------------------------------------------------------------------------


def alarming(detections: Iterable[Detection]) -> list[Detection]:
    """Return those that make an alarm: a description of some other detection does not."""
    return [
        detection
        for detection in detections
        if detection.kind != "description" or is_alarm(detection)
    ]


def is_alarm(description: Detection) -> bool:
    """Return whether a description is an alarm by itself: of a whole picture, and it says so."""
    attributes = description.attributes
    return not attributes.get(ABOUT) and attributes.get(ALARM) == "yes"


class Verdicts:
    """What the descriptions among a picture's detections say about the others."""

    def __init__(self, detections: Iterable[Detection]) -> None:
        self._by_box: dict[str, list[Detection]] = {}
        for detection in detections:
            if detection.kind == "description":
                self._by_box.setdefault(str(detection.attributes.get(ABOUT, "")), []).append(
                    detection
                )

    def reason(self, detection: Detection, gates: str) -> str | None:
        """Return why the detection does not count (`gemini_gates`); what is not described counts.

        A description of the detection comes before one of the whole picture. Of several, as when
        two labels share a box, one that speaks for it is enough.
        """
        if gates == "no" or detection.kind == "description":
            return None
        descriptions = self._by_box.get(about(detection.box)) or self._by_box.get("", [])
        if not descriptions or any(_speaks_for(description, gates) for description in descriptions):
            return None
        first = descriptions[0]
        return f"{first.model} says {first.attributes.get(ALARM) or 'nothing'}: {first.label}"


def _speaks_for(description: Detection, gates: str) -> bool:
    answer = description.attributes.get(ALARM)
    return answer == "yes" or (gates == "veto" and answer != "no")
