"""Check what a server says it detected: all of it is a stranger's data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from zmhook.detection import Detection, DetectionKind
from zmhook.gateway.protocol import MOST_DETECTIONS
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zmhook.detection import Box

KINDS: dict[str, DetectionKind] = {"face": "face", "alpr": "licenseplate"}
"""The kind of what a model detects, `object` for all others. The server has no say in it."""
LONGEST_LABEL, LONGEST_TEXT, MOST_ATTRIBUTES = 100, 500, 20
LARGEST_NUMBER = 2.0**53
"""Of a number in an attribute: JSON holds no larger ones in full."""
ROUNDING = 0.01
"""How far above 1 a confidence may lie."""
_PERCENT = 100
CORNERS = 4

Row = tuple[object, object, object]
"""A label, a confidence and a box, unchecked."""


def finite(value: object) -> float | None:
    """Return a number as a float; None for NaN, Infinity, what is too large or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def parse_detection(
    model: str,
    label: object,
    confidence: object,
    box: Box | None,
    attributes: object = None,
) -> Detection | None:
    """Return a detection; None without a label, a confidence from 0 to 1, or a box."""
    text = one_line(label, LONGEST_LABEL) if isinstance(label, str) else ""
    share = _confidence(confidence)
    if not text or share is None or box is None:
        return None
    return Detection(
        label=text,
        confidence=share,
        box=box,
        model=model,
        kind=KINDS.get(model, "object"),
        attributes=_attributes(attributes) if isinstance(attributes, dict) else {},
    )


def row_of(row: object) -> Row:
    """Return label, confidence and box of a JSON object."""
    fields = row if isinstance(row, dict) else {}
    return fields.get("label"), fields.get("confidence"), fields.get("box")


def are_detections(rows: Iterable[Row]) -> bool:
    """Return whether these look like detections: none at all, or at least one that does."""
    checked = [_is_detection(*row) for row in rows]
    return not checked or any(checked)


def _is_detection(label: object, confidence: object, box: object) -> bool:
    is_box = isinstance(box, list) and len(box) == CORNERS
    return isinstance(label, str) and is_box and _confidence(confidence) is not None


def strongest(detections: Iterable[Detection | None]) -> list[Detection]:
    """Return the detections without None, strongest first, at most `MOST_DETECTIONS`."""
    real = (detection for detection in detections if detection is not None)
    ordered = sorted(real, key=lambda detection: detection.confidence, reverse=True)
    return ordered[:MOST_DETECTIONS]


def _confidence(value: object) -> float | None:
    """Read a share of 1, or a text in percent such as `58.52%`."""
    number = _percent(value) if isinstance(value, str) else finite(value)
    return min(number, 1.0) if number is not None and 0 <= number <= 1 + ROUNDING else None


def _percent(text: str) -> float | None:
    try:
        return float(text[:-1]) / _PERCENT if text.endswith("%") else None
    except ValueError:
        return None


def _is_usable(value: float) -> bool:
    number = float(value) if isinstance(value, bool) else finite(value)
    return number is not None and abs(number) <= LARGEST_NUMBER


def _attributes(content: Mapping[Any, Any]) -> dict[str, str | float | int | bool]:
    kept: dict[str, str | float | int | bool] = {}
    for name, value in content.items():
        if len(kept) >= MOST_ATTRIBUTES:
            break
        if isinstance(value, str):
            kept[one_line(str(name), LONGEST_LABEL)] = one_line(value, LONGEST_TEXT)
        elif isinstance(value, bool | int | float) and _is_usable(value):
            kept[one_line(str(name), LONGEST_LABEL)] = value
    return kept
