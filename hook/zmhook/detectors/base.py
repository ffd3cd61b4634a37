"""The base class of the detectors, and the way to find one by its name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from zmhook.errors import DetectorError
from zmhook.extensions import imported, known, location
from zmhook.text.names import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame, Size
    from zmhook.settings import Settings

ANY = "*"
GROUP = "zmhook.detectors"

# The same lines as the entry points in pyproject.toml (a test compares them).
BUILT_IN = {
    "yolo": "zmhook.detectors.yolo.detector:YoloDetector",
    "hog": "zmhook.detectors.hog:HogDetector",
    "face": "zmhook.detectors.face.detector:FaceDetector",
    "alpr": "zmhook.detectors.alpr.detector:AlprDetector",
    "gemini": "zmhook.describe.detector:GeminiDetector",
}

REMOTE = frozenset({"yolo", "hog", "face", "alpr"})
"""Models that another machine may have; each machine asks Gemini itself."""


def wants(labels: frozenset[str], label: str) -> bool:
    """Return whether a label is one of these, of which `ANY` stands for every label."""
    return ANY in labels or label in labels


class Detector(ABC):
    """One model of the chain.

    A subclass that is registered as entry point `zmhook.detectors` can be named in `models`. Heavy
    imports belong in `load`, so that making the object costs nothing. A class may set the fields
    below, or an object its own in `__init__`.
    """

    name: str = ""
    """The name in `models`, and in each detection's `model`."""

    requires: frozenset[str] = frozenset()
    """Labels of which one must have been kept before this detector runs; empty: always runs.

    `ANY` stands for all of them.
    """

    crop_to: frozenset[str] = frozenset()
    """Labels whose objects are cut out of the picture; empty: `detect` gets the whole frame.

    `detect` gets one frame for each crop, and boxes are in the crop's pixels. `frame.crop.source`
    is the detection that was cut out.
    """

    max_crops: int = 8
    """Crops of one picture at most, the most confident first."""

    new_only: bool = False
    """Whether only what would alarm now counts for `requires` and `crop_to`: no parked car."""

    problems: Sequence[DetectorError] = ()
    """What the last `detect` had to leave out; each is reported, and the rest is used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def description(self) -> str:
        """What is loaded and what runs it, for people."""
        return self.name

    def load(self) -> None:  # noqa: B027 - not every detector has something to load
        """Get ready to detect; raises `DetectorError`. Called once, before the first `detect`."""

    def least_size(self, size: Size) -> Size | None:  # noqa: ARG002 - for subclasses
        """Return the least size in which a picture of `size` shows this detector the same.

        Both are width and height in pixels. None: it needs the full picture, also as long as it is
        not loaded. `frame.at_least(self.least_size(frame.size))` is the reduced picture.
        """
        return None

    @abstractmethod
    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Return what is in each frame, strongest first, boxes in the frame's own pixels.

        Return candidates somewhat below the model's minimum confidence too: the gate drops them
        and can say so. Raises `DetectorError`.
        """

    def close(self) -> None:  # noqa: B027 - not every detector holds something
        """Free what `load` took. May be called twice."""


def find(name: str) -> type[Detector]:
    """Return the detector class of that name; raises `DetectorError` when there is none."""
    path = location_of(name)
    try:
        return imported(path, Detector)  # type: ignore[type-abstract]
    except (ImportError, AttributeError, TypeError) as error:
        raise DetectorError(f"model '{name}' ({path}) cannot be imported: {error}") from error


def location_of(name: str) -> str:
    """Return the `module:Class` of a model, not imported; raises `DetectorError`."""
    path = location(name, GROUP, BUILT_IN)
    if path is None:
        names = known(GROUP, BUILT_IN)
        close = did_you_mean(name, names.split(", "))
        raise DetectorError(f"[general] models: there is no model '{name}'; known: {names}{close}")
    return path
