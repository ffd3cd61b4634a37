"""Draw a decision into its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from zmhook.detection import Box, Decision, Detection, Drop
from zmhook.frame import Frame, frame_crop
from zmhook.image.crop import is_in_frame, point_to_frame, to_frame
from zmhook.printable import one_line
from zmhook.render.lettering import lettered
from zmhook.render.line import about, descriptions, sentence
from zmhook.settings.section import Colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zmhook.settings import General, Settings, Zone

    Picture = npt.NDArray[np.uint8]

KEPT = Colour(90, 220, 60)
DROPPED = Colour(60, 60, 230)
DARK, LIGHT = Colour(0, 0, 0), Colour(255, 255, 255)

# Shares of the picture's shorter side, and the least that can be read or seen, in pixels.
_LETTERS, _SMALLEST_LETTERS = 1 / 36, 8
_LINE, _THINNEST_LINE = 1 / 360, 1

LONGEST_CAPTION = 60
FAR_OUT = 1_000_000
"""Pixels; what OpenCV draws from and to must not be farther, or it goes wrong."""


def annotated(
    frame: Frame,
    decision: Decision,
    settings: Settings,
    *,
    zones: Sequence[Zone] = (),
    debug: bool = False,
) -> Picture:
    """Return a copy of the frame's picture with zones, boxes and labels.

    `debug` adds what was dropped, each with the reason. Zones and boxes are in the full picture's
    pixels; of a frame that shows a part of it, what lies outside is left out.
    """
    canvas = _Canvas(frame.image)
    general = settings.general
    for zone in zones if frame_crop(frame).located else ():
        points = [point_to_frame(*point, frame) for point in zone.points]
        canvas.zone(points, general.poly_color, general.poly_thickness)
    marks = _marks(frame, decision, general, debug=debug)
    for mark in reversed(marks):
        if mark.has_box:
            canvas.box(mark.box, mark.paper)
    # Labels last, so that no box runs through one. What counts chooses its places first and is
    # drawn over the rest.
    labels = [canvas.label(mark.box, mark.text, mark.ink, mark.paper) for mark in marks]
    for label in reversed(labels):
        canvas.paste(label)
    return canvas.picture


class _Mark(NamedTuple):
    """A box, in the frame's pixels in the end, and its label, one line or more."""

    box: Box
    text: str
    ink: Colour
    paper: Colour
    has_box: bool = True


def _marks(frame: Frame, decision: Decision, general: General, *, debug: bool) -> list[_Mark]:
    """Return what is to be drawn, the most important first."""
    detected = [detection for detection in decision.detections if detection.kind != "description"]
    described = descriptions(decision.detections)
    by_box = {about(detection): detection for detection in described}
    marks = [
        _Mark(detection.box, _caption(detection, general, by_box.get(detection.box)), DARK, KEPT)
        for detection in detected
    ]
    boxes = {detection.box for detection in detected}
    marks += [
        _Mark(detection.box, _caption(detection, general, detection), DARK, KEPT, has_box=False)
        for detection in described
        if about(detection) not in boxes
    ]
    drops = decision.dropped if debug else []
    marks += [_Mark(drop.detection.box, _reason(drop), LIGHT, DROPPED) for drop in drops]
    return [
        mark._replace(box=to_frame(mark.box, frame))
        for mark in marks
        if is_in_frame(mark.box, frame)
    ]


def _caption(detection: Detection, general: General, description: Detection | None) -> str:
    """Return the label of a box, and below it its description."""
    model = f"({detection.model}) " if general.show_models else ""
    percent = f" {detection.confidence:.0%}" if general.show_percent else ""
    label = one_line(detection.label)
    text = sentence(description, LONGEST_CAPTION) if description else ""
    return f"{model}{label}{percent}" + (f"\n{text}" if text not in ("", label) else "")


def _reason(drop: Drop) -> str:
    detection = drop.detection
    return one_line(f"{detection.label} {detection.confidence:.0%}: {drop.reason}")


class BoxLabel(NamedTuple):
    """Letters, and where their left upper corner goes."""

    patch: Picture
    x: int
    y: int


class _Canvas:
    """A picture with lines and letters that suit its size, and the positions of its labels."""

    def __init__(self, image: Picture) -> None:
        self.picture: Picture = image.copy()
        self.height, self.width = image.shape[:2]
        side = min(self.height, self.width)
        self.letters = max(_SMALLEST_LETTERS, round(side * _LETTERS))
        self.line = max(_THINNEST_LINE, round(side * _LINE))
        self._taken: list[tuple[int, int, int, int]] = []

    def zone(self, corners: Sequence[tuple[float, float]], colour: Colour, thickness: int) -> None:
        points = np.array(corners).clip(-FAR_OUT, FAR_OUT).round().astype(np.int32)
        outline = points.reshape(-1, 1, 2)
        cv2.polylines(self.picture, [outline], True, _bgr(colour), thickness, cv2.LINE_AA)

    def box(self, box: Box, colour: Colour) -> None:
        corners = (box.x1, box.y1), (box.x2 - 1, box.y2 - 1)
        cv2.rectangle(self.picture, *corners, _bgr(colour), self.line)

    def label(self, box: Box, text: str, ink: Colour, paper: Colour) -> BoxLabel:
        """Choose a position for a box's label, within the picture and free if possible."""
        written = [
            lettered(line, self.letters, self.width, ink, paper) for line in text.split("\n")
        ]
        patch = _stacked(written, paper)[: self.height]
        height, width = patch.shape[:2]
        x, y = self._position(box, width, height)
        self._taken.append((x, y, x + width, y + height))
        return BoxLabel(patch, x, y)

    def paste(self, label: BoxLabel) -> None:
        height, width = label.patch.shape[:2]
        self.picture[label.y : label.y + height, label.x : label.x + width] = label.patch

    def _position(self, box: Box, width: int, height: int) -> tuple[int, int]:
        """Choose the first free position: above, inside, below, at the foot, then near by."""
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


def _stacked(written: list[Picture], paper: Colour) -> Picture:
    """Put the lines below each other on one sheet."""
    if len(written) == 1:
        return written[0]
    height, width = sum(line.shape[0] for line in written), max(line.shape[1] for line in written)
    sheet = np.full((height, width, 3), _bgr(paper), np.uint8)
    top = 0
    for line in written:
        sheet[top : top + line.shape[0], : line.shape[1]] = line
        top += line.shape[0]
    return sheet


def _bgr(colour: Colour) -> tuple[int, int, int]:
    return colour.blue, colour.green, colour.red
