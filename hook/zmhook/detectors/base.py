"""What a detector is, and how one is found by its name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from zmhook.errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame
    from zmhook.settings import Settings

ANY = "*"
GROUP = "zmhook.detectors"

# The same lines as the entry points in pyproject.toml (a test compares them). Reading the
# entry points of everything installed costs 15 ms, so only a name that is not here pays it.
BUILT_IN = {
    "yolo": "zmhook.detectors.yolo:YoloDetector",
    "hog": "zmhook.detectors.hog:HogDetector",
    "face": "zmhook.detectors.face:FaceDetector",
    "alpr": "zmhook.detectors.alpr:AlprDetector",
    "gemini": "zmhook.describe.detector:GeminiDetector",
}


MAX_CROPS = 8

REMOTE = frozenset({"yolo", "hog", "face", "alpr"})
"""Models that another machine may have; each machine asks Gemini itself."""


def wants(labels: frozenset[str], label: str) -> bool:
    """Say whether a label is one of these, of which `ANY` is every one."""
    return ANY in labels or label in labels


class Detector(Protocol):
    """One model of the chain.

    A class with this shape, registered as entry point `zmhook.detectors`, can be named in
    `models`. Heavy imports belong in `load`, so that making the object costs nothing.
    """

    name: str
    requires: frozenset[str]
    """Labels of which one must have been kept before this detector runs; empty: always runs.

    `ANY` stands for all of them. A class may also have `crop_to`, a frozenset of labels: then what
    was kept under these is cut out, and `detect` is given the crops (`frame.crop.of` says of what)
    in place of the frame; boxes are of the crop's pixels. `max_crops` bounds them. With a true
    `new_only` nothing counts for it that nobody would be told of, such as a parked car. A list
    `problems`, when there is one, tells of what was skipped in the last `detect`.
    """

    def __init__(self, settings: Settings) -> None: ...

    def load(self) -> None:
        """Get ready to detect; raises `DetectorError`. Called once, before the first `detect`."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return what is in each frame, strongest first, boxes in the frame's own pixels.

        Candidates somewhat below the model's minimum confidence are returned too: the gate
        drops them and can say so. Raises `DetectorError`.
        """

    def close(self) -> None:
        """Free what `load` took. May be called twice."""


def find(name: str) -> type[Detector]:
    """Return the detector class of that name; raises `DetectorError` when there is none."""
    place = place_of(name)
    module, _, attribute = place.partition(":")
    try:
        found: type[Detector] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise DetectorError(f"model '{name}' ({place}) cannot be imported: {error}") from error
    return found


def place_of(name: str) -> str:
    """Return the module and class of a name, unimported; raises `DetectorError`."""
    place = BUILT_IN.get(name) or _installed().get(name)
    if place is None:
        known = ", ".join(sorted({*BUILT_IN, *_installed()}))
        raise DetectorError(f"[general] models: there is no model '{name}'; known: {known}")
    return place


def _installed() -> dict[str, str]:
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP)}
