"""Apply our own plate formats and known plates to what another machine has read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.detectors.alpr.plates import Formats, Known, is_same_plate, is_same_vehicle, normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame
    from zmhook.gateway.dialect import ImageDetections
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class RemotePlates:
    """Does to plates from another machine what the local reader does to its own."""

    def __init__(self, settings: Settings) -> None:
        alpr = settings.alpr
        self._known = Known(settings.plates, off_by_one=alpr.plate_off_by_one)
        self._formats = Formats(alpr.plate_formats)

    def read(
        self, frames: Sequence[Frame], infer: Callable[[Sequence[Frame]], ImageDetections]
    ) -> ImageDetections:
        """Return the plates in each frame; a vehicle that was detected twice is sent once."""
        new = [i for i, frame in enumerate(frames) if not is_same_vehicle(frame, frames[:i])]
        read = dict(zip(new, infer([frames[i] for i in new]), strict=True))
        plates: ImageDetections = []
        for i, frame in enumerate(frames):
            named = [self._named(plate) for plate in read.get(i, []) if self._fits(plate)]
            plates.append(
                [plate for plate in named if not is_same_plate(plate, frame, frames, plates)]
            )
        return plates

    def _fits(self, plate: Detection) -> bool:
        text = _text(plate)
        if text and self._formats.fits(text):
            return True
        log.info("alpr: %s has none of the forms in plate_formats", text)
        return False

    def _named(self, plate: Detection) -> Detection:
        """Return the plate with its owner's name; one that is unknown here keeps its label."""
        owner = self._known.owner(_text(plate))
        attributes = {**plate.attributes, "plate": _text(plate)}
        if owner is None:
            return structs.replace(plate, attributes=attributes)
        attributes["known"] = "exactly" if owner.exact else "differs by one character"
        return structs.replace(plate, label=owner.name, attributes=attributes)


def _text(plate: Detection) -> str:
    return normalised(str(plate.attributes.get("plate", plate.label)))
