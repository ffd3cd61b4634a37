"""The one line on stdout that the notification server reads.

Form: `[s] detected:person:97% car:88% (gemini skipped: no network) --SPLIT--{json}`. The JSON is
either v6's object of lists or v5's list of objects (`json_format`). What describes a detection is
no label; it is in the JSON under a name of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import json, structs

from zmhook import gate
from zmhook.frames.ids import SNAPSHOT, is_track
from zmhook.printable import one_line, plain_json
from zmhook.render.described import as_json, descriptions, encodable

if TYPE_CHECKING:
    from zmhook.detection import Decision, Detection, FrameInfo
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
    """Return the line, without a newline; empty when nobody is to be told.

    An undecided event is silent, or with `on_failure = alarm` a line that says so.
    """
    if not is_reported(decision, settings):
        return ""
    general = settings.general
    text = f"{_prefix(decision, general)}detected:{_found(decision, general)}{_skipped(decision)}"
    # The server splits at every SPLIT, so in the JSON a name that has one is written with escapes.
    data = plain_json(payload(decision, settings)).replace(SPLIT, _ESCAPED_SPLIT)
    # Without percent there is no blank at the text's end: as in the field's hooks, it is shown.
    # A name that ends as a split begins needs one.
    is_clear = f"{text}{SPLIT}".index(SPLIT) == len(text)
    blank = "" if is_clear and not general.show_percent else " "
    return f"{text}{blank}{SPLIT}{data}"


def is_reported(decision: Decision, settings: Settings) -> bool:
    """Say whether the decision has a line at all."""
    if decision.outcome == "undecided":
        return settings.general.on_failure != "silence"
    return decision.outcome != "nothing"


def annotation_line(decision: Decision, settings: Settings) -> str:
    """Return a line for ZoneMinder's annotation editor, whose JSON is always an object.

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
    """Return the text of a line, without its JSON."""
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
    found = gate.ringing(decision.detections)
    described = descriptions(decision.detections)
    return {
        "labels": [encodable(one.label) for one in found],
        "boxes": [one.box for one in found],
        "frame_id": frame_id_of(decision, general),
        "confidences": [round(one.confidence, 4) for one in found],
        "image_dimensions": _dimensions(decision.frame) if decision.frame else {},
        **_camera_frame(decision),
        **({"descriptions": [as_json(one) for one in described]} if described else {}),
    }


def _camera_frame(decision: Decision) -> dict[str, str]:
    """Name a camera's own picture, so that nobody takes it for ZoneMinder's."""
    is_camera = decision.frame is not None and is_track(decision.frame.id)
    return {"camera_frame": decision.frame.id} if decision.frame and is_camera else {}


def _dimensions(frame: FrameInfo) -> dict[str, Any]:
    """Return sizes, height first, as the field's readers have it, and the part that was seen."""
    resized = [frame.resized_to[1], frame.resized_to[0]] if frame.resized_to else None
    crop = {"crop": frame.crop} if frame.crop else {}
    return {"original": [frame.height, frame.width], "resized": resized, **crop}


def _v5(decision: Decision) -> list[dict[str, Any]]:
    return [
        {
            "type": found.kind,
            "label": encodable(found.label),
            "box": found.box,
            "confidence": f"{found.confidence:.2%}",
            **(_more(found) if found.kind == "description" else {}),
        }
        for found in decision.detections
    ]


def _more(description: Detection) -> dict[str, Any]:
    told = as_json(description)
    return {key: told[key] for key in ("description", "about", "alarm", "model", "attributes")}


def _prefix(decision: Decision, general: General) -> str:
    if not general.show_frame_match_type:
        return ""
    frame_id = decision.frame.id if decision.frame else ""
    if is_track(frame_id):
        return CAMERA if general.show_camera_frame else PREFIXES[SNAPSHOT]
    return PREFIXES.get(frame_id, OTHER_FRAME)


def _found(decision: Decision, general: General) -> str:
    if decision.outcome == "undecided":
        reason = _plain("; ".join(decision.errors) or "no reason is known")
        return f"nothing could be decided ({reason})"
    strongest: dict[str, Detection] = {}
    for found in gate.ringing(decision.detections):
        if found.label not in strongest or found.confidence > strongest[found.label].confidence:
            strongest[found.label] = found
    texts = [_one(found, general) for found in strongest.values()]
    return " ".join(texts) if general.show_percent else ",".join(texts)


def _skipped(decision: Decision) -> str:
    """Tell which models could not be asked; an undecided line tells the reasons anyway."""
    if decision.outcome == "undecided":
        return ""
    return "".join(f" {bracketed(one)}" for one in decision.skipped)


def bracketed(text: str) -> str:
    """Return a remark as it stands behind the labels; where it ends can be told."""
    return f"({_plain(text).translate(_NO_BRACKETS)})"


def _one(found: Detection, general: General) -> str:
    model = f"({found.model}) " if general.show_models else ""
    percent = f":{found.confidence:.0%}" if general.show_percent else ""
    return f"{model}{_plain(found.label)}{percent}"


def _plain(text: str) -> str:
    """Keep the line one line with one split, whatever a person's folder is called."""
    return one_line(text, LONGEST).replace(SPLIT, "-")
