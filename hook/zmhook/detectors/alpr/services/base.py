"""What a service is, and what it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from zmhook.detection import Box
from zmhook.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline

Attributes = dict[str, str | float | int | bool]

NAME = "alpr"
MARGIN = 0.2
"""Plates this much less sure than asked for are told of too, for the gate to drop."""
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
    told = {key: value for key, value in attributes.items() if value != ""}
    left = tuple(one for one in others if one[0] and one[0] != text)
    return Plate(text, confidence, box, told, left)


def surest(found: Iterable[Plate | None], least: float) -> list[Plate]:
    """Return those of at least that confidence, the surest first, at most `MOST_PLATES`."""
    sure = [one for one in found if one is not None and one.confidence >= least]
    return sorted(sure, key=lambda one: -one.confidence)[:MOST_PLATES]


class Service(Protocol):
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
