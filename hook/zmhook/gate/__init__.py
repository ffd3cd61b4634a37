"""Which detections count, and why the others do not.

The rules are small functions of (detection, settings) in the order of `RULES`; each keeps a
detection by returning None or drops it by returning the reason, with its figures. One that
drops ends the matter, so a dropped detection has exactly one reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detection import Drop
from zmhook.gate import confidence, pattern, verdict, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from zmhook.detection import Detection
    from zmhook.settings import Settings

RULES: dict[str, Callable[[Detection, Settings], str | None]] = {
    "confidence": confidence.reason,
    "pattern": pattern.reason,
    "zone": zone.reason,
}


def judge(found: Iterable[Detection], settings: Settings) -> tuple[list[Detection], list[Drop]]:
    """Split into what counts and what does not, both in the order they came."""
    kept: list[Detection] = []
    dropped: list[Drop] = []
    for detection in found:
        drop = _first_drop(detection, settings)
        if drop is None:
            kept.append(detection)
        else:
            dropped.append(drop)
    return kept, dropped


def settle(kept: list[Detection], settings: Settings) -> tuple[list[Detection], list[Drop]]:
    """Let what describes a frame's detections have its say (`gemini_gates`), after all models."""
    verdicts = verdict.Verdicts(kept)
    dropped = [
        Drop(detection=one, rule="gemini", reason=reason)
        for one in kept
        if (reason := verdicts.reason(one, settings.gemini.gemini_gates)) is not None
    ]
    gone = {id(drop.detection) for drop in dropped}
    return [one for one in kept if id(one) not in gone], dropped


def ringing(kept: Iterable[Detection]) -> list[Detection]:
    """Return those that make an alarm: a description of some other detection is none."""
    return [one for one in kept if one.kind != "description" or verdict.rings(one)]


def _first_drop(detection: Detection, settings: Settings) -> Drop | None:
    if detection.kind == "description":
        return None
    for rule, reason_of in RULES.items():
        reason = reason_of(detection, settings)
        if reason is not None:
            return Drop(detection=detection, rule=rule, reason=reason)
    return None
