"""The one line on stdout that the notification server reads.

Form: `[s] detected:person:97% car:88% --SPLIT--{json}`. The JSON is either v6's object of lists
or v5's list of objects (`json_format`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json

if TYPE_CHECKING:
    from zmhook.detection import Decision, Detection
    from zmhook.settings import General, Settings

SPLIT = "--SPLIT--"
_ESCAPED_SPLIT = SPLIT.replace("-", "\\u002d")
PREFIXES = {"snapshot": "[s] ", "alarm": "[a] "}
OTHER_FRAME = "[x] "


def detection_line(decision: Decision, settings: Settings) -> str:
    """Return the line, without a newline; empty when nobody is to be told.

    An undecided event is silent, or with `on_failure = alarm` a line that says so.
    """
    general = settings.general
    if decision.outcome == "nothing":
        return ""
    if decision.outcome == "undecided" and general.on_failure == "silence":
        return ""
    text = f"{_prefix(decision, general)}detected:{_found(decision, general)}"
    # The server splits at every SPLIT, so in the JSON a name that has one is written with escapes.
    data = payload(decision, settings).decode().replace(SPLIT, _ESCAPED_SPLIT)
    return f"{text} {SPLIT}{data}"


def payload(decision: Decision, settings: Settings) -> bytes:
    """Return the JSON in the form that `json_format` names."""
    return json.encode(_v5(decision) if settings.general.json_format == "v5" else _v6(decision))


def _v6(decision: Decision) -> dict[str, Any]:
    frame = decision.frame
    dimensions: dict[str, Any] = {}
    if frame:
        resized = [frame.resized_to[1], frame.resized_to[0]] if frame.resized_to else None
        # Height first, as the field's readers have it.
        dimensions = {"original": [frame.height, frame.width], "resized": resized}
    return {
        "labels": [_encodable(found.label) for found in decision.detections],
        "boxes": [found.box for found in decision.detections],
        "frame_id": frame.id if frame else "",
        "confidences": [round(found.confidence, 4) for found in decision.detections],
        "image_dimensions": dimensions,
    }


def _v5(decision: Decision) -> list[dict[str, Any]]:
    return [
        {
            "type": found.kind,
            "label": _encodable(found.label),
            "box": found.box,
            "confidence": f"{found.confidence:.2%}",
        }
        for found in decision.detections
    ]


def _prefix(decision: Decision, general: General) -> str:
    if not general.show_frame_match_type:
        return ""
    return PREFIXES.get(decision.frame.id if decision.frame else "", OTHER_FRAME)


def _found(decision: Decision, general: General) -> str:
    if decision.outcome == "undecided":
        reason = _plain("; ".join(decision.errors) or "no reason is known")
        return f"nothing could be decided ({reason})"
    strongest: dict[str, Detection] = {}
    for found in decision.detections:
        if found.label not in strongest or found.confidence > strongest[found.label].confidence:
            strongest[found.label] = found
    texts = [_one(found, general) for found in strongest.values()]
    return " ".join(texts) if general.show_percent else ",".join(texts)


def _one(found: Detection, general: General) -> str:
    model = f"({found.model}) " if general.show_models else ""
    percent = f":{found.confidence:.0%}" if general.show_percent else ""
    return f"{model}{_plain(found.label)}{percent}"


def _plain(text: str) -> str:
    """Keep the line one line with one split, whatever a person's folder is called."""
    printable = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(printable.split()).replace(SPLIT, "-")


def _encodable(text: str) -> str:
    """Replace what stands for bytes that were not UTF-8, such as in an old folder's name."""
    return text.encode("utf-8", "replace").decode()
