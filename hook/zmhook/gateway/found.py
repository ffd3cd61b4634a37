"""What a gateway says it found, taken for what it is: a stranger's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.detection import Detection, Kind
from zmhook.gateway.finite import finite
from zmhook.gateway.protocol import MOST_DETECTIONS
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from zmhook.detection import Box

KINDS: dict[str, Kind] = {"face": "face", "alpr": "licenseplate"}
"""Of what a model finds; all others find objects. It is not the server that says so."""
LONGEST_LABEL, LONGEST_TEXT, MOST_ATTRIBUTES = 100, 500, 20
LARGEST = 2.0**53
"""Of a number in an attribute: JSON holds no larger ones in full."""
ROUNDING = 0.01
"""How far above 1 a confidence may lie."""
_PERCENT = 100
CORNERS = 4

Attributes = dict[str, str | float | int | bool]


def found(
    model: str,
    label: object,
    confidence: object,
    box: Box | None,
    attributes: object = None,
) -> Detection | None:
    """Return a detection; None where it has no label, no confidence from 0 to 1 or no box."""
    name = one_line(label, LONGEST_LABEL) if isinstance(label, str) else ""
    sure = _confidence(confidence)
    if not name or sure is None or box is None:
        return None
    return Detection(
        label=name,
        confidence=sure,
        box=box,
        model=model,
        kind=KINDS.get(model, "object"),
        attributes=_attributes(attributes) if isinstance(attributes, dict) else {},
    )


def are_rows(rows: Iterable[tuple[object, object, object]]) -> bool:
    """Say whether these are detections: labels, confidences and boxes.

    None at all are fine; of several one is enough, since others may be odd.
    """
    told = list(rows)
    return not told or any(_is_row(*row) for row in told)


def _is_row(label: object, confidence: object, box: object) -> bool:
    is_box = isinstance(box, list) and len(box) == CORNERS
    return isinstance(label, str) and is_box and _confidence(confidence) is not None


def strongest(some: Iterable[Detection | None]) -> list[Detection]:
    """Return those that are any, the strongest first, at most `MOST_DETECTIONS`."""
    real = (one for one in some if one is not None)
    return sorted(real, key=lambda one: one.confidence, reverse=True)[:MOST_DETECTIONS]


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
    return number is not None and abs(number) <= LARGEST


def _attributes(said: Mapping[Any, Any]) -> Attributes:
    kept: Attributes = {}
    for name, value in said.items():
        if len(kept) >= MOST_ATTRIBUTES:
            break
        if isinstance(value, str):
            kept[one_line(str(name), LONGEST_LABEL)] = one_line(value, LONGEST_TEXT)
        elif isinstance(value, bool | int | float) and _is_usable(value):
            kept[one_line(str(name), LONGEST_LABEL)] = value
    return kept
