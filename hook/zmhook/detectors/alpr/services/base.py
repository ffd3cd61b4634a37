"""The contract of a plate service: what it is sent, and what it reads."""

from __future__ import annotations

import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from zmhook.detection import Box
from zmhook.errors import ServiceError
from zmhook.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    import numpy.typing as npt

    from zmhook.deadline import Deadline
    from zmhook.settings import Settings

    Image = npt.NDArray[np.uint8]

Attributes = dict[str, str | float | int | bool]

NAME = "alpr"
MARGIN = 0.2
"""Plates this much less sure than asked for are told of too, for the gate to drop."""
LONGEST_TEXT = 60
MOST_PLATES = 20
"""So many of one picture are taken, the surest; no camera shows more."""
MOST_RESULTS = 200
"""Of a service's answer so many are looked at."""

SERVICES = {
    "local": "local:LocalService",
    "plate_recognizer": "plate_recognizer:PlateRecognizer",
    "open_alpr": "open_alpr:OpenAlpr",
    "open_alpr_cmdline": "cmdline:CommandLine",
}
"""By `alpr_service`. A module is imported when it is the one that is used."""


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


def service_for(settings: Settings) -> PlateService:
    """Make the service that `alpr_service` names; costs nothing until it is loaded."""
    module, _, name = SERVICES[settings.alpr.alpr_service].partition(":")
    made: PlateService = getattr(import_module(f"{__package__}.{module}"), name)(settings)
    return made


class PlateServiceError(ServiceError):
    """A service that reads plates gave no result."""

    model = NAME


def floor(minimum: float) -> float:
    """Return the confidence from which on plates are returned, where `minimum` counts."""
    return max(0.0, minimum - MARGIN)


# -- what is answered ------------------------------------------------------------------------------


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


# -- what is sent ----------------------------------------------------------------------------------

QUALITY = 92
_SMALLER = 0.8
_ATTEMPTS = 12


class Upload(NamedTuple):
    """A JPEG of `across` x `down` pixels, of a picture of `width` x `height`."""

    data: bytes
    across: int
    down: int
    width: int
    height: int

    def to_picture(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """Bring a box in the JPEG's pixels back into the picture's, clipped to it."""
        x, y = self.width / self.across, self.height / self.down
        return Box.clipped(x1 * x, y1 * y, x2 * x, y2 * y, self.width, self.height)

    def corners(self, corners: dict[str, Any]) -> Box | None:
        """Read `{xmin, ymin, xmax, ymax}`, in the JPEG's pixels; None where that is no box."""
        x1, y1, x2, y2 = (number(corners.get(side)) for side in ("xmin", "ymin", "xmax", "ymax"))
        if x1 is None or y1 is None or x2 is None or y2 is None:
            return None
        return self.to_picture(x1, y1, x2, y2)

    def around(self, points: list[dict[str, Any]]) -> Box | None:
        """Return the box around `{x, y}` points in the JPEG's pixels; None where there are none."""
        x = [value for point in points if (value := number(point.get("x"))) is not None]
        y = [value for point in points if (value := number(point.get("y"))) is not None]
        return self.to_picture(min(x), min(y), max(x), max(y)) if x and y else None


def upload(image: Image, longest: int, most_bytes: int) -> Upload:
    """Make a JPEG of a BGR picture `(height, width, 3)`.

    Its longest side has at most `longest` pixels and it at most `most_bytes` bytes; what a camera
    wrote beside the pixels (place, owner) is not in it.
    """
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    for _ in range(_ATTEMPTS):
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        size = (across, down)
        made = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        data = cv2.imencode(".jpg", made, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        if len(data) <= most_bytes:
            return Upload(data, across, down, width, height)
        scale *= _SMALLER
    raise PlateServiceError(
        "picture too large", f"a picture of {width}x{height} does not fit into {most_bytes} bytes"
    )
