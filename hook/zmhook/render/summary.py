"""What the log says about a decision."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from zmhook.detection import ALARM
from zmhook.render.described import descriptions, sentence
from zmhook.render.line import words_of

if TYPE_CHECKING:
    from zmhook.detection import Decision

log = logging.getLogger(__name__)

LONGEST = 500


def log_decision(decision: Decision, line: str) -> None:
    """Log what was answered and how long each stage took.

    Before it, what went wrong; after it, what large models said about the picture.
    """
    event = decision.event
    where = {"monitor_id": event.monitor_id}
    if decision.errors:
        level = logging.ERROR if decision.outcome == "undecided" else logging.WARNING
        log.log(level, "%s: %s", event, "; ".join(decision.errors), extra=where)
    answer = words_of(line) or decision.outcome
    log.info("%s: %s (%s)", event, answer, _timings(decision), extra=where)
    for one in descriptions(decision.detections):
        alarm = one.attributes.get(ALARM, "not told")
        said = sentence(one, LONGEST)
        log.info("%s: %s: %s (alarm: %s)", event, one.model, said, alarm, extra=where)


def _timings(decision: Decision) -> str:
    return ", ".join(f"{stage} {took:.0f} ms" for stage, took in decision.timings.items())
