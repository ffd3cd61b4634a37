"""What a large model said about a picture, as the outputs tell it.

That is a detection of kind `description`: its `label` a few words, its attribute `description` a
sentence, `about` the box that was asked about and `alarm` whether somebody should be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.detection import ABOUT, ALARM, Box
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detection import Detection

DESCRIPTION = "description"
_MORE = ".."


def descriptions(found: Iterable[Detection]) -> list[Detection]:
    """Return those that describe, in their order."""
    return [one for one in found if one.kind == "description"]


def sentence(description: Detection, most: int) -> str:
    """Return what was said, the first line of it, in at most so many characters; perhaps none."""
    text = f"{description.attributes.get(DESCRIPTION, '')}\n{description.label}"
    lines = (one_line(line, most, _MORE) for line in text.splitlines())
    return next(filter(None, lines), "")


def about(description: Detection) -> Box | None:
    """Return the box that was asked about, None when it was the whole picture."""
    try:
        return Box(*(int(side) for side in str(description.attributes[ABOUT]).split(",")))
    except (KeyError, ValueError, TypeError):
        return None


def as_json(description: Detection) -> dict[str, Any]:
    """Return it as the JSON after the line has it; boxes are `[x1, y1, x2, y2]`."""
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
