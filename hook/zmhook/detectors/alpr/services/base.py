"""What a service is, and what it reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zmhook.detection import Box
from zmhook.errors import ServiceError
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline

Attributes = dict[str, str | float | int | bool]

NAME = "alpr"
MARGIN = 0.2
"""Plates this much less sure than asked for are told of too, for the gate to drop."""
LONGEST_TEXT = 60
MOST_PLATES = 20
"""So many of one picture are taken, the surest; no camera shows more."""
MOST_RESULTS = 200
"""Of a service's answer so many are looked at."""


class Plate(NamedTuple):
    """A plate that was read: its text as it came, how sure that is (0..1), where it is.

    `box` is in the pixels of the picture that was given, inside of it. `others` are further
    readings with their confidence, the surest first.
    """

    text: str
    confidence: float
    box: Box
    attributes: Attributes
    others: tuple[tuple[str, float], ...] = ()


def plate(
    text: str,
    confidence: float,
    box: Box | None,
    attributes: Attributes,
    others: Iterable[tuple[str, float]],
) -> Plate | None:
    """Make one of what a service says; None where it does not say what, or where."""
    if not text or box is None:
        return None
    known = {key: value for key, value in attributes.items() if value != ""}
    readings = tuple(reading for reading in others if reading[0] and reading[0] != text)
    return Plate(text, confidence, box, known, readings)


def surest(plates: Iterable[Plate | None], least: float) -> list[Plate]:
    """Return those of at least that confidence, the surest first, at most `MOST_PLATES`."""
    sure = [plate for plate in plates if plate is not None and plate.confidence >= least]
    return sorted(sure, key=lambda plate: -plate.confidence)[:MOST_PLATES]


class PlateService(Protocol):
    """Reads plates. One thread uses it at a time."""

    description: str
    """For people: which service, and what it runs on or may still be asked."""

    def load(self) -> None:
        """Get ready; raises `DetectorError`."""

    def read(
        self, image: npt.NDArray[np.uint8], deadline: Deadline, *, of_vehicle: bool
    ) -> list[Plate]:
        """Return the plates of a BGR picture `(height, width, 3)`, the surest first.

        `of_vehicle` says that the picture is a vehicle, cut out. Raises `ModelSkipped` when the
        service does not answer, `DetectorError` when it cannot be used at all.
        """

    def close(self) -> None:
        """Free what `load` took. May be called twice."""


class PlateServiceError(ServiceError):
    """A service that reads plates gave no result."""

    model = NAME


def floor(minimum: float) -> float:
    """Return the confidence from which on plates are returned, where `minimum` counts."""
    return max(0.0, minimum - MARGIN)


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        made = float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None
    return made if math.isfinite(made) else None


def share(value: Any, whole: float = 1.0) -> float:
    """Return a share of `whole` as 0..1; what is no number counts as 0."""
    return min(max((number(value) or 0.0) / whole, 0.0), 1.0)


def text(value: Any) -> str:
    """Return one short line; what is no text is empty."""
    return one_line(value, LONGEST_TEXT, more="") if isinstance(value, str) else ""


def records(value: Any, most: int) -> list[dict[str, Any]]:
    """Return the objects of a list, at most so many."""
    items = value if isinstance(value, list) else []
    return [item for item in items[:most] if isinstance(item, dict)]


def first(value: Any) -> dict[str, Any]:
    """Return the first object of a list, or an empty one."""
    objects = records(value, 1)
    return objects[0] if objects else {}


def record(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def are_results(answer: dict[str, Any], is_result: Callable[[dict[str, Any]], bool]) -> bool:
    """Say whether an answer has `results` that are of the expected kind.

    None are fine, unless an error or a text beside them says why; of several one is enough, since
    others may be odd.
    """
    from zmhook.net.error_body import complaint_in, error_in

    results = answer.get("results")
    if not isinstance(results, list):
        return False
    if not results:
        return error_in(answer) is None and complaint_in(answer) is None
    return any(isinstance(row, dict) and is_result(row) for row in results)
