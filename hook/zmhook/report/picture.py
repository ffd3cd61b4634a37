"""Draw a decision into its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from zmhook.report.lettering import lettered
from zmhook.settings.values import Colour

if TYPE_CHECKING:
    import numpy.typing as npt

    from zmhook.detection import Box, Decision, Detection, Drop
    from zmhook.event import Frame
    from zmhook.settings import General, Settings, Zone

    Picture = npt.NDArray[np.uint8]

KEPT = Colour(90, 220, 60)
DROPPED = Colour(60, 60, 230)
DARK, LIGHT = Colour(0, 0, 0), Colour(255, 255, 255)

# Shares of the picture's shorter side, and the least that can be read or seen, in pixels.
_LETTERS, _SMALLEST_LETTERS = 1 / 36, 8
_LINE, _THINNEST_LINE = 1 / 360, 1


def annotated(
    frame: Frame, decision: Decision, settings: Settings, *, debug: bool = False
) -> Picture:
    """Return a copy of the frame's picture with zones, boxes and labels.

    `debug` adds what was dropped, each with the reason.
    """
    canvas = _Canvas(frame.image)
    for zone in settings.zones:
        canvas.zone(zone, settings.general.poly_color, settings.general.poly_thickness)
    drops = decision.dropped if debug else []
    for drop in drops:
        canvas.box(drop.detection.box, DROPPED)
    for found in decision.detections:
        canvas.box(found.box, KEPT)
    # Labels last, so that no box runs through one. What counts chooses its places first and is
    # drawn over the rest.
    labels = [
        canvas.label(found.box, _caption(found, settings.general), DARK, KEPT)
        for found in decision.detections
    ]
    labels += [canvas.label(drop.detection.box, _reason(drop), LIGHT, DROPPED) for drop in drops]
    for label in reversed(labels):
        canvas.paste(label)
    return canvas.picture


def _caption(found: Detection, general: General) -> str:
    model = f"({found.model}) " if general.show_models else ""
    percent = f" {found.confidence:.0%}" if general.show_percent else ""
    return f"{model}{found.label}{percent}"


def _reason(drop: Drop) -> str:
    found = drop.detection
    return f"{found.label} {found.confidence:.0%}: {drop.reason}"


class Label(NamedTuple):
    """Letters, and where their left upper corner goes."""

    patch: Picture
    x: int
    y: int


class _Canvas:
    """A picture with lines and letters that suit its size, and the places that labels took."""

    def __init__(self, image: Picture) -> None:
        self.picture: Picture = image.copy()
        self.height, self.width = image.shape[:2]
        side = min(self.height, self.width)
        self.letters = max(_SMALLEST_LETTERS, round(side * _LETTERS))
        self.line = max(_THINNEST_LINE, round(side * _LINE))
        self._taken: list[tuple[int, int, int, int]] = []

    def zone(self, zone: Zone, colour: Colour, thickness: int) -> None:
        points = np.array(zone.points, np.int32).reshape(-1, 1, 2)
        cv2.polylines(self.picture, [points], True, _bgr(colour), thickness, cv2.LINE_AA)

    def box(self, box: Box, colour: Colour) -> None:
        corners = (box.x1, box.y1), (box.x2 - 1, box.y2 - 1)
        cv2.rectangle(self.picture, *corners, _bgr(colour), self.line)

    def label(self, box: Box, text: str, ink: Colour, paper: Colour) -> Label:
        """Choose a place for a box's label, within the picture and free if one is."""
        patch = lettered(text, self.letters, self.width, ink, paper)[: self.height]
        height, width = patch.shape[:2]
        x, y = self._place(box, width, height)
        self._taken.append((x, y, x + width, y + height))
        return Label(patch, x, y)

    def paste(self, label: Label) -> None:
        height, width = label.patch.shape[:2]
        self.picture[label.y : label.y + height, label.x : label.x + width] = label.patch

    def _place(self, box: Box, width: int, height: int) -> tuple[int, int]:
        """Choose the first place that is free: above, inside, below, at the foot, then near by."""
        x, lowest = min(box.x1, self.width - width), self.height - height
        near_by = sorted(range(0, lowest + 1, height), key=lambda y: abs(y - box.y1))
        tops = (box.y1 - height, box.y1, box.y2, box.y2 - height, *near_by)
        inside = [y for y in tops if 0 <= y <= lowest]
        free = (y for y in inside if self._is_free(x, y, x + width, y + height))
        return x, next(free, inside[0])

    def _is_free(self, x1: int, y1: int, x2: int, y2: int) -> bool:
        return not any(
            x1 < right and left < x2 and y1 < bottom and top < y2
            for left, top, right, bottom in self._taken
        )


def _bgr(colour: Colour) -> tuple[int, int, int]:
    return colour.blue, colour.green, colour.red
