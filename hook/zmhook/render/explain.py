"""A decision in words: what was found, what counts, and what dropped the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zmhook.detection import Box, Decision, Detection

OUTCOMES = {
    "alarm": "somebody is told",
    "nothing": "nobody is told: nothing counts",
    "undecided": "could not be decided",
}


def explanation(decision: Decision) -> Iterator[str]:
    """Yield the lines: the outcome, each candidate with the rule that dropped it, the times."""
    yield f"{decision.event}: {decision.outcome} ({OUTCOMES[decision.outcome]})"
    if decision.frame:
        frame = decision.frame
        yield f"picture: {frame.id}, {frame.width}x{frame.height}, {frame.origin}"
    for found in decision.detections:
        yield f"  {_named(found)} {_at(found.box)} counts{_said(found)}"
    for drop in decision.dropped:
        found = drop.detection
        yield f"  {_named(found)} {_at(found.box)} dropped by {drop.rule}: {drop.reason}"
    if not decision.detections and not decision.dropped and decision.frame:
        yield "  the models found nothing"
    for error in decision.errors:
        yield f"error: {error}"
    if decision.timings:
        times = (f"{stage} {took:.0f}" for stage, took in decision.timings.items())
        yield f"ms: {', '.join(times)}"


def _named(found: Detection) -> str:
    return f"{found.label} {found.confidence:.2f} ({found.model})"


def _at(box: Box) -> str:
    return f"at {box.x1},{box.y1} {box.x2},{box.y2}"


def _said(found: Detection) -> str:
    text = found.attributes.get("description")
    return f": {text}" if text else ""
