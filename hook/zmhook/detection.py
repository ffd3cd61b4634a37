"""What the models found, and what was decided from it. Plain data, JSON-serialisable."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field, json, structs

from zmhook import __version__
from zmhook.event import Event
from zmhook.text.bounded_json import decoded
from zmhook.text.names import composed

DetectionKind = Literal["object", "face", "licenseplate", "description"]
Outcome = Literal["alarm", "nothing", "undecided"]

ALARM = "alarm"
"""Attribute of a description: `yes`, `no` or `unsure`."""

ABOUT = "about"
"""Attribute of a description: the box that was asked about as `x1,y1,x2,y2`; empty: all."""


class Box(Struct, frozen=True, array_like=True, gc=False):
    """A bounding box: integer pixels `x1, y1, x2, y2` in the original frame, x2 and y2 exclusive.

    Encoded as a list of four numbers.
    """

    x1: int
    y1: int
    x2: int
    y2: int

    @classmethod
    def clipped(cls, x1: float, y1: float, x2: float, y2: float, width: int, height: int) -> Box:
        """Round to pixels and clip to a picture of `width` x `height`; never empty."""
        left = min(max(round(x1), 0), width - 1)
        top = min(max(round(y1), 0), height - 1)
        return cls(
            left, top, min(max(round(x2), left + 1), width), min(max(round(y2), top + 1), height)
        )

    @property
    def width(self) -> int:
        return self.x2 - self.x1

    @property
    def height(self) -> int:
        return self.y2 - self.y1

    @property
    def area(self) -> int:
        return self.width * self.height

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


class Detection(Struct, frozen=True, kw_only=True):
    """One thing that a model found: `confidence` 0..1, `box` in original pixels.

    Of kind `description` it says more about what is in its box, and is no alarm of its own unless
    its attribute `alarm` is `yes` and it is about a whole picture.
    """

    label: str
    confidence: float
    box: Box
    model: str
    kind: DetectionKind = "object"
    attributes: dict[str, str | float | int | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the label as people write it in a pattern: a folder's name may be decomposed."""
        if not self.label.isascii():
            structs.force_setattr(self, "label", composed(self.label))


class Drop(Struct, frozen=True, kw_only=True):
    """A detection that does not count, the rule that says so, and that rule's figures."""

    detection: Detection
    rule: str
    reason: str


class FrameInfo(Struct, frozen=True, kw_only=True):
    """The frame that a decision speaks of. `width` and `height` are the original's, in pixels.

    `resized_to` is `(width, height)` of what the models were given, None when not resized.
    `crop` is the part of it that there was a picture of, None for all of it.
    """

    id: str
    origin: str
    width: int
    height: int
    resized_to: tuple[int, int] | None = None
    crop: Box | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """Everything that was found and decided for one event. All outputs are made from it alone.

    `timings` maps a stage (`fetch`, `decode`, a model's name, `gate`, `total`) to milliseconds;
    `errors` are the one-line messages of what went wrong on the way; `skipped` tells in a few words
    which models on other machines did not answer.
    """

    event: Event
    outcome: Outcome
    detections: list[Detection] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)
    frame: FrameInfo | None = None
    timings: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    version: str = ""

    @classmethod
    def undecided(cls, event: Event, *errors: str) -> Decision:
        """Return the decision of an event that could not be looked at."""
        return cls(event=event, outcome="undecided", errors=list(errors), version=__version__)

    def to_json(self) -> bytes:
        return json.encode(self)

    @classmethod
    def from_json(cls, data: bytes | str) -> Decision:
        return decoded(data, cls)


def about(box: Box) -> str:
    """Return a box as the attribute `ABOUT` has it."""
    return f"{box.x1},{box.y1},{box.x2},{box.y2}"
