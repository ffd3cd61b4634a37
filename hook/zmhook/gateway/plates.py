"""Plates that another machine has read: the forms and the owners are those of our own settings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.detectors.alpr.crops import is_seen, is_told
from zmhook.detectors.alpr.plates import Formats, Known, normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame
    from zmhook.gateway.question import Found
    from zmhook.settings import Settings

log = logging.getLogger(__name__)


class Plates:
    """What the local reader does with what was read, done to what another machine has read."""

    def __init__(self, settings: Settings) -> None:
        alpr = settings.alpr
        self._known = Known(settings.plates, off_by_one=alpr.plate_off_by_one)
        self._formats = Formats(alpr.plate_formats)

    def read(self, frames: Sequence[Frame], look: Callable[[Sequence[Frame]], Found]) -> Found:
        """Return the plates in each frame; a vehicle that was found twice is looked at once."""
        new = [i for i, frame in enumerate(frames) if not is_seen(frame, frames[:i])]
        read = dict(zip(new, look([frames[i] for i in new]), strict=True))
        found: Found = []
        for i, frame in enumerate(frames):
            plates = [self._ours(one) for one in read.get(i, []) if self._fits(one)]
            found.append([one for one in plates if not is_told(one, frame, frames, found)])
        return found

    def _fits(self, one: Detection) -> bool:
        text = _text(one)
        if text and self._formats.fits(text):
            return True
        log.info("alpr: %s has none of the forms in plate_formats", text)
        return False

    def _ours(self, one: Detection) -> Detection:
        """Name whose plate it is; one that nobody here knows keeps the name that it came with."""
        owner = self._known.owner(_text(one))
        said = {**one.attributes, "plate": _text(one)}
        if owner is None:
            return structs.replace(one, attributes=said)
        said["known"] = "exactly" if owner.exact else "differs by one character"
        return structs.replace(one, label=owner.name, attributes=said)


def _text(one: Detection) -> str:
    return normalised(str(one.attributes.get("plate", one.label)))
