"""Texts of plates: their form, their owner, and which were read twice in one picture."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from zmhook.image.crop import to_scene
from zmhook.text.patterns import fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame

log = logging.getLogger(__name__)

LONGEST = 16
"""Letters of a text; no plate has more, whatever a service says."""
LEAST_LITERAL = 4
"""Letters that a known plate must name before one that differs by one is taken for it."""
SAME_CROP = 0.7
"""Overlap (IoU) above which two vehicles are one that was found twice: it is looked at once."""
SAME_PLATE = 0.4
_WILD = "*?"


class Owner(NamedTuple):
    """Whose plate it is; `exact` is False when one character differs."""

    name: str
    exact: bool


def normalised(text: str) -> str:
    """Return a plate's text as it is compared and shown: upper-case letters and digits only."""
    return "".join(item for item in text.upper() if item.isalnum())[:LONGEST]


class Known:
    """The plates of `[known-plates]`, in their order: the first that fits is taken."""

    def __init__(self, names: Mapping[str, str], *, off_by_one: bool = False) -> None:
        self._names: dict[str, str] = {}
        for written, pattern in _patterns(names):
            self._names.setdefault(pattern, names[written])
        self._off_by_one = off_by_one

    def owner(self, text: str) -> Owner | None:
        """Return whose plate a normalised text is; None when nobody knows it, or nobody for sure.

        A text that differs by one character from plates of two owners is nobody's.
        """
        for pattern, name in self._names.items():
            if fits(_exactly(pattern), text):
                return Owner(name, exact=True)
        near = {name for pattern, name in self._names.items() if self._is_near(pattern, text)}
        if len(near) > 1:
            log.debug("alpr: %s is near to plates of %s", text, ", ".join(sorted(near)))
        return Owner(near.pop(), exact=False) if len(near) == 1 else None

    def _is_near(self, pattern: str, text: str) -> bool:
        return self._off_by_one and fits(_nearly(pattern), text)


class Formats:
    """The forms of `plate_formats`; without any, every text is right."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(patterns)

    def fits(self, text: str) -> bool:
        """Say whether all of a normalised text has one of the forms."""
        return not self._patterns or any(fits(item, text) for item in self._patterns)

    def best(self, readings: Sequence[tuple[str, float]]) -> tuple[str, float] | None:
        """Return the first reading that has one of the forms, normalised."""
        plain = ((normalised(text), confidence) for text, confidence in readings)
        return next((item for item in plain if item[0] and self.fits(item[0])), None)


def _patterns(names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for written in names:
        pattern = "".join(item for item in written.upper() if item.isalnum() or item in _WILD)
        if pattern.strip("*"):
            yield written, pattern
        else:
            log.warning("[known-plates] %s: it would be every plate; not used", written)


@lru_cache(maxsize=1024)
def _exactly(pattern: str) -> str:
    return _expression(pattern)


@lru_cache(maxsize=1024)
def _nearly(pattern: str) -> str:
    """Return what matches what has one character more, less or other than the pattern."""
    literal = [i for i, item in enumerate(pattern) if item not in _WILD]
    if len(literal) < LEAST_LITERAL:
        return _exactly(pattern)
    variants = {pattern[:i] + between + pattern[i + 1 :] for i in literal for between in ("?", "")}
    variants |= {pattern[:i] + "?" + pattern[i:] for i in range(len(pattern) + 1)}
    return "|".join(map(_expression, sorted(variants)))


def _expression(pattern: str) -> str:
    joined = re.sub(r"\*+", "*", pattern)
    return "".join({"*": ".*", "?": "."}.get(item) or re.escape(item) for item in joined)


def is_same_vehicle(frame: Frame, before: Sequence[Frame]) -> bool:
    """Say whether one of the crops before shows the same vehicle, found under another label."""
    crop = frame.crop
    if crop is None or crop.source is None:
        return False
    return any(
        other.id == frame.id and other.crop is not None and other.crop.box.iou(crop.box) > SAME_CROP
        for other in before
    )


def is_same_plate(
    plate: Detection, frame: Frame, frames: Sequence[Frame], before: Sequence[Sequence[Detection]]
) -> bool:
    """Say whether another crop of the same picture has shown this plate already."""
    box = to_scene(plate, frame).box
    return any(
        other.id == frame.id
        and (earlier.label == plate.label or to_scene(earlier, other).box.iou(box) > SAME_PLATE)
        for other, plates in zip(frames, before, strict=False)
        for earlier in plates
    )
