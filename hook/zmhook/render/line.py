"""The detection string: the one line on stdout that the notification server reads.

Form: `[s] detected:person:97% car:88% (gemini skipped: no network) --SPLIT--{json}`. The JSON is
either v6's object of lists or v5's list of objects (`json_format`). What describes a detection is
no label; it is in the JSON under a name of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json, structs

from zmhook.detection import ABOUT, ALARM, Box, Decision, Detection, FrameInfo
from zmhook.frames.base import SNAPSHOT, is_track
from zmhook.gate.alarm_rules import alarming
from zmhook.printable import one_line, plain_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.settings import General, Settings

SPLIT = "--SPLIT--"
_ESCAPED_SPLIT = SPLIT.replace("-", "\\u002d")
PREFIXES = {"snapshot": "[s] ", "alarm": "[a] "}
CAMERA = "[m] "
OTHER_FRAME = "[x] "
LONGEST = 1000
"""Characters of a label, or of a reason."""

_NO_BRACKETS = str.maketrans("()", "[]")


def detection_line(decision: Decision, settings: Settings) -> str:
    """Return the detection string, without a newline; empty when nothing is reported.

    An undecided event is silent, or with `on_failure = alarm` has one that says so.
    """
    if not is_reported(decision, settings):
        return ""
    general = settings.general
    text = f"{_prefix(decision, general)}detected:{_labels(decision, general)}{_skipped(decision)}"
    # The server splits at every SPLIT, so in the JSON a name that has one is written with escapes.
    data = plain_json(payload(decision, settings)).replace(SPLIT, _ESCAPED_SPLIT)
    # Without percent there is no blank at the text's end: as in the field's hooks, it is shown.
    # A name that ends as a split begins needs one.
    is_clear = f"{text}{SPLIT}".index(SPLIT) == len(text)
    blank = "" if is_clear and not general.show_percent else " "
    return f"{text}{blank}{SPLIT}{data}"


def is_reported(decision: Decision, settings: Settings) -> bool:
    """Say whether the decision has a detection string at all."""
    if decision.outcome == "undecided":
        return settings.general.on_failure != "silence"
    return decision.outcome != "nothing"


def annotation_line(decision: Decision, settings: Settings) -> str:
    """Return the string for ZoneMinder's annotation editor, whose JSON is always an object.

    It is there also when nothing was found. An undecided picture has none, so that the editor says
    that it failed.
    """
    if decision.outcome == "undecided":
        return ""
    as_object = structs.replace(settings.general, json_format="v6")
    line = detection_line(decision, structs.replace(settings, general=as_object))
    data = plain_json(object_payload(decision, settings)).replace(SPLIT, _ESCAPED_SPLIT)
    return line or f"nothing detected {SPLIT}{data}"


def words_of(line: str) -> str:
    """Return the text of a detection string, without its JSON."""
    return line.partition(SPLIT)[0].rstrip()


def payload(decision: Decision, settings: Settings) -> bytes:
    """Return the JSON in the form that `json_format` names."""
    if settings.general.json_format == "v5":
        return json.encode(_v5(decision))
    return object_payload(decision, settings)


def object_payload(decision: Decision, settings: Settings) -> bytes:
    """Return the JSON as an object of lists, whatever `json_format` names."""
    return json.encode(_v6(decision, settings.general))


def frame_id_of(decision: Decision, general: General) -> str:
    """Return the frame as callers know frames: alarm, snapshot or a number; empty without one.

    Notification servers and ZoneMinder's pages put it into the address of a picture. What is none
    of the event's frames, such as a camera's own picture, stands for the snapshot.
    """
    frame_id = decision.frame.id if decision.frame else ""
    if is_track(frame_id) and general.show_camera_frame:
        return frame_id
    is_known = not frame_id or frame_id in PREFIXES or frame_id.isdecimal()
    return frame_id if is_known else SNAPSHOT


def _v6(decision: Decision, general: General) -> dict[str, Any]:
    detections = alarming(decision.detections)
    described = descriptions(decision.detections)
    return {
        "labels": [encodable(detection.label) for detection in detections],
        "boxes": [detection.box for detection in detections],
        "frame_id": frame_id_of(decision, general),
        "confidences": [round(detection.confidence, 4) for detection in detections],
        "image_dimensions": _dimensions(decision.frame) if decision.frame else {},
        **_camera_frame(decision),
        **({"descriptions": [as_json(detection) for detection in described]} if described else {}),
    }


def _camera_frame(decision: Decision) -> dict[str, str]:
    """Name a camera's own picture, so that nobody takes it for ZoneMinder's."""
    is_camera = decision.frame is not None and is_track(decision.frame.id)
    return {"camera_frame": decision.frame.id} if decision.frame and is_camera else {}


def _dimensions(frame: FrameInfo) -> dict[str, Any]:
    """Return sizes, height first as existing readers expect, and the part that was used."""
    resized = [frame.resized_to[1], frame.resized_to[0]] if frame.resized_to else None
    crop = {"crop": frame.crop} if frame.crop else {}
    return {"original": [frame.height, frame.width], "resized": resized, **crop}


def _v5(decision: Decision) -> list[dict[str, Any]]:
    return [
        {
            "type": detection.kind,
            "label": encodable(detection.label),
            "box": detection.box,
            "confidence": f"{detection.confidence:.2%}",
            **(_more(detection) if detection.kind == "description" else {}),
        }
        for detection in decision.detections
    ]


def _more(description: Detection) -> dict[str, Any]:
    known = as_json(description)
    return {key: known[key] for key in ("description", "about", "alarm", "model", "attributes")}


def _prefix(decision: Decision, general: General) -> str:
    if not general.show_frame_match_type:
        return ""
    frame_id = decision.frame.id if decision.frame else ""
    if is_track(frame_id):
        return CAMERA if general.show_camera_frame else PREFIXES[SNAPSHOT]
    return PREFIXES.get(frame_id, OTHER_FRAME)


def _labels(decision: Decision, general: General) -> str:
    if decision.outcome == "undecided":
        reason = _plain("; ".join(decision.errors) or "no reason is known")
        return f"nothing could be decided ({reason})"
    strongest: dict[str, Detection] = {}
    for detection in alarming(decision.detections):
        before = strongest.get(detection.label)
        if before is None or detection.confidence > before.confidence:
            strongest[detection.label] = detection
    texts = [_label(detection, general) for detection in strongest.values()]
    return " ".join(texts) if general.show_percent else ",".join(texts)


def _skipped(decision: Decision) -> str:
    """Name the models that were skipped; an undecided line has the reasons anyway."""
    if decision.outcome == "undecided":
        return ""
    return "".join(f" {bracketed(model)}" for model in decision.skipped)


def bracketed(text: str) -> str:
    """Return a remark in brackets, as it stands behind the labels."""
    return f"({_plain(text).translate(_NO_BRACKETS)})"


def _label(detection: Detection, general: General) -> str:
    model = f"({detection.model}) " if general.show_models else ""
    percent = f":{detection.confidence:.0%}" if general.show_percent else ""
    return f"{model}{_plain(detection.label)}{percent}"


def _plain(text: str) -> str:
    """Keep the string one line with one split, whatever a person's folder is called."""
    return one_line(text, LONGEST).replace(SPLIT, "-")


# -- descriptions by large models ------------------------------------------------------------------


DESCRIPTION = "description"
_MORE = ".."


def descriptions(detections: Iterable[Detection]) -> list[Detection]:
    """Return the detections that describe, in their order."""
    return [detection for detection in detections if detection.kind == "description"]


def sentence(description: Detection, most: int) -> str:
    """Return the first line of a description, in at most so many characters; "" without one."""
    text = f"{description.attributes.get(DESCRIPTION, '')}\n{description.label}"
    lines = (one_line(line, most, _MORE) for line in text.splitlines())
    return next(filter(None, lines), "")


def about(description: Detection) -> Box | None:
    """Return the box that the question was about, None for the whole picture."""
    try:
        return Box(*(int(side) for side in str(description.attributes[ABOUT]).split(",")))
    except (KeyError, ValueError, TypeError):
        return None


def as_json(description: Detection) -> dict[str, Any]:
    """Return it as the JSON of the detection string has it; boxes are `[x1, y1, x2, y2]`."""
    attributes = dict(description.attributes)
    for known in (DESCRIPTION, ABOUT, ALARM):
        attributes.pop(known, None)
    return {
        "label": encodable(description.label),
        "description": encodable(str(description.attributes.get(DESCRIPTION, ""))),
        "confidence": round(description.confidence, 4),
        "box": description.box,
        "about": about(description),
        "alarm": description.attributes.get(ALARM),
        "model": description.model,
        "attributes": {encodable(name): _value(value) for name, value in attributes.items()},
    }


def encodable(text: str) -> str:
    """Replace what stands for bytes that were not UTF-8, such as in an old folder's name."""
    return text.encode("utf-8", "replace").decode()


def _value(value: str | float | bool) -> str | float | bool:
    return encodable(value) if isinstance(value, str) else value
