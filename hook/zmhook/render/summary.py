"""Describe a decision in words: in the log, and for `zmhook explain`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.detection import ALARM, Box, Decision, Detection
from zmhook.render.line import descriptions, sentence, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

LONGEST = 500


def log_decision(decision: Decision, line: str) -> None:
    """Log the answer and how long each stage took.

    Errors come before it, and descriptions by large models after it.
    """
    event = decision.event
    where = {"monitor_id": event.monitor_id}
    if decision.errors:
        level = logging.ERROR if decision.outcome == "undecided" else logging.WARNING
        log.log(level, "%s", event.named("; ".join(decision.errors)), extra=where)
    answer = words_of(line) or decision.outcome
    log.info("%s: %s (%s)", event, answer, _timings(decision), extra=where)
    for description in descriptions(decision.detections):
        alarm = description.attributes.get(ALARM, "not given")
        text = sentence(description, LONGEST)
        log.info("%s: %s: %s (alarm: %s)", event, description.model, text, alarm, extra=where)


def _timings(decision: Decision) -> str:
    return ", ".join(f"{stage} {took:.0f} ms" for stage, took in decision.timings.items())


# -- all of a decision -----------------------------------------------------------------------------


OUTCOMES = {
    "alarm": "would send a notification",
    "nothing": "no notification",
    "undecided": "no decision could be made",
}


def explanation(decision: Decision) -> Iterator[str]:
    """Yield the lines: the outcome, each candidate with the rule that dropped it, the times."""
    yield f"{decision.event}: {decision.outcome} ({OUTCOMES[decision.outcome]})"
    if decision.frame:
        frame = decision.frame
        yield f"picture: {frame.id}, {frame.width}x{frame.height}, {frame.origin}"
    for detection in decision.detections:
        yield f"  {_named(detection)} {_at(detection.box)}: kept{_described(detection)}"
    for drop in decision.dropped:
        detection = drop.detection
        yield f"  {_named(detection)} {_at(detection.box)}: dropped by {drop.rule}: {drop.reason}"
    if not decision.detections and not decision.dropped and decision.frame:
        yield "  no detections"
    for error in decision.errors:
        yield f"error: {error}"
    if decision.timings:
        times = (f"{stage} {took:.0f}" for stage, took in decision.timings.items())
        yield f"ms: {', '.join(times)}"


def _named(detection: Detection) -> str:
    return f"{detection.label} {detection.confidence:.0%} ({detection.model})"


def _at(box: Box) -> str:
    return f"at {box.x1},{box.y1} {box.x2},{box.y2}"


def _described(detection: Detection) -> str:
    text = detection.attributes.get("description")
    return f" ({text})" if text else ""
