"""Hold a picture's subject and its description."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Verdict = Literal["yes", "no", "unsure"]


class Subject(Struct, frozen=True, kw_only=True):
    """What is known about a picture: for the question's `{label}`, `{monitor}` and so on.

    `time` is when it was taken, seconds since the epoch.
    """

    label: str = ""
    monitor: str = ""
    camera: str = ""
    colours: tuple[str, ...] = ()
    time: float = 0.0


class Description(Struct, frozen=True, kw_only=True):
    """The answer: `confidence` 0..1; `alarm` whether somebody should be told.

    `box` is `x1, y1, x2, y2` as shares (0..1) of the picture that was asked about, None when the
    model gave none. `cached` says that the same picture was asked about before.
    """

    label: str
    description: str
    confidence: float
    alarm: Verdict
    attributes: dict[str, str] = field(default_factory=dict)
    box: tuple[float, float, float, float] | None = None
    model: str = ""
    cached: bool = False
