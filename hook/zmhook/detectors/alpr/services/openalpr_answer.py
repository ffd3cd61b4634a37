"""What OpenALPR says, in the cloud and as a program: the same JSON, with percent.

https://github.com/openalpr/cloudapi (cloudapi.yaml) describes it; the program's has no vehicles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zmhook.detectors.alpr.services.base import MOST_RESULTS, Attributes, Plate, plate, surest
from zmhook.detectors.alpr.services.values import (
    are_results,
    first,
    number,
    record,
    records,
    share,
    text,
)

if TYPE_CHECKING:
    from zmhook.detectors.alpr.services.upload import Upload

PERCENT = 100.0
_MOST_OTHERS = 5
_CORNERS = 8


def fits(answer: dict[str, Any]) -> bool:
    """Say whether this is an answer of OpenALPR's, and no error with nothing in it."""
    return are_results(answer, _is_result)


def _is_result(row: dict[str, Any]) -> bool:
    is_read = isinstance(row.get("plate"), str) and number(row.get("confidence")) is not None
    return is_read and isinstance(row.get("coordinates"), list)


def plates(answer: dict[str, Any], sent: Upload, least: float) -> list[Plate]:
    """Return the plates of an answer, the surest first; what is no plate in it is left out."""
    return surest(
        (_plate(one, sent) for one in records(answer.get("results"), MOST_RESULTS)), least
    )


def _plate(result: dict[str, Any], sent: Upload) -> Plate | None:
    vehicle = record(result.get("vehicle"))
    make = text(first(vehicle.get("make")).get("name"))
    said: Attributes = {
        "region": text(result.get("region")),
        "vehicle": text(first(vehicle.get("body_type")).get("name")),
        "make": make,
        "model": text(first(vehicle.get("make_model")).get("name")).removeprefix(f"{make}_"),
        "colour": text(first(vehicle.get("color")).get("name")),
        "year": text(first(vehicle.get("year")).get("name")),
        "orientation": text(first(vehicle.get("orientation")).get("name")),
    }
    others = [
        (text(one.get("plate")), share(one.get("confidence"), PERCENT))
        for one in records(result.get("candidates"), _MOST_OTHERS)
    ]
    box = sent.around(records(result.get("coordinates"), _CORNERS))
    confidence = share(result.get("confidence"), PERCENT)
    return plate(text(result.get("plate")), confidence, box, said, others)
