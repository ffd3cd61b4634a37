"""Drop what a description calls no alarm, or keep only what it calls one (`gemini_gates`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detection import ABOUT, ALARM, about

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detection import Detection


def rings(description: Detection) -> bool:
    """Say whether a description is an alarm by itself: one of a whole picture that says so."""
    attributes = description.attributes
    return not attributes.get(ABOUT) and attributes.get(ALARM) == "yes"


class Verdicts:
    """What the descriptions among a frame's detections say about the others."""

    def __init__(self, kept: Iterable[Detection]) -> None:
        self._by_box: dict[str, list[Detection]] = {}
        for one in kept:
            if one.kind == "description":
                self._by_box.setdefault(str(one.attributes.get(ABOUT, "")), []).append(one)

    def reason(self, detection: Detection, gates: str) -> str | None:
        """Return why the detection does not count; what nobody was asked about counts.

        Who was asked about it is heard before who was asked about the whole picture. Of several,
        as when two labels share a box, one that speaks for it is enough.
        """
        if gates == "no" or detection.kind == "description":
            return None
        said = self._by_box.get(about(detection.box)) or self._by_box.get("", [])
        if not said or any(_speaks_for(one, gates) for one in said):
            return None
        against = said[0]
        return f"{against.model} says {against.attributes.get(ALARM) or 'nothing'}: {against.label}"


def _speaks_for(description: Detection, gates: str) -> bool:
    answer = description.attributes.get(ALARM)
    return answer == "yes" or (gates == "veto" and answer != "no")
