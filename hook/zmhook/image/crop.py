"""A picture that is part of a larger one, and how boxes go from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.frame import Crop, frame_crop

if TYPE_CHECKING:
    from zmhook.frame import Frame


def to_scene(found: Detection, frame: Frame) -> Detection:
    """Turn a box in the frame's pixels into one in the full picture's."""
    crop = frame.crop
    if crop is None:
        return found
    shown, box = crop.box, found.box
    x, y = shown.width / frame.width, shown.height / frame.height
    inside = Box.clipped(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y, shown.width, shown.height)
    mapped = Box(
        shown.x1 + inside.x1, shown.y1 + inside.y1, shown.x1 + inside.x2, shown.y1 + inside.y2
    )
    return structs.replace(found, box=mapped)


def scaled(found: Detection, size: tuple[int, int], to: tuple[int, int]) -> Detection:
    """Turn a box of a picture of one size (width, height) into that of the same one of another."""
    x, y, box = to[0] / size[0], to[1] / size[1], found.box
    there = Box.clipped(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y, *to)
    return structs.replace(found, box=there)


def to_frame(box: Box, frame: Frame) -> Box:
    """Turn a box in the full picture's pixels into one in the frame's, clipped to it."""
    crop = frame.crop
    if crop is None:
        return box
    left, top = point_to_frame(box.x1, box.y1, frame)
    right, bottom = point_to_frame(box.x2, box.y2, frame)
    return Box.clipped(left, top, right, bottom, frame.width, frame.height)


def point_to_frame(x: float, y: float, frame: Frame) -> tuple[float, float]:
    """Turn a point in the full picture's pixels into one in the frame's, which may be outside."""
    crop = frame.crop
    if crop is None:
        return x, y
    return (
        (x - crop.box.x1) * frame.width / crop.box.width,
        (y - crop.box.y1) * frame.height / crop.box.height,
    )


def is_in_frame(box: Box, frame: Frame) -> bool:
    """Say whether a box in the full picture's pixels has a part that the frame shows."""
    shown = frame_crop(frame).box
    return box.x1 < shown.x2 and shown.x1 < box.x2 and box.y1 < shown.y2 and shown.y1 < box.y2


def cut(frame: Frame, found: Detection, margin: float = 0.1) -> Frame:
    """Cut a detection (its box in the full picture's pixels) out of the frame.

    `margin` is added on each side, as a share of the box; the crop stays within the frame.
    """
    within = to_frame(found.box, frame)
    wide, high = within.width * margin, within.height * margin
    box = Box.clipped(
        within.x1 - wide,
        within.y1 - high,
        within.x2 + wide,
        within.y2 + high,
        frame.width,
        frame.height,
    )
    place = to_scene(structs.replace(found, box=box), frame).box
    full = frame_crop(frame)
    return structs.replace(
        frame,
        image=frame.image[box.y1 : box.y2, box.x1 : box.x2],
        data=b"",
        crop=Crop(
            box=place, width=full.width, height=full.height, source=found, located=full.located
        ),
    )
