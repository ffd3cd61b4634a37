"""Crop and reduce frames, and map boxes between a frame and its scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from zmhook.detection import Box, Detection
from zmhook.frame import Crop, frame_crop

if TYPE_CHECKING:
    from zmhook.frame import Frame


def to_scene(detection: Detection, frame: Frame) -> Detection:
    """Map a detection from the frame's pixels to the full picture's."""
    crop = frame.crop
    if crop is None:
        return detection
    shown, box = crop.box, detection.box
    x, y = shown.width / frame.width, shown.height / frame.height
    inside = Box.clipped(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y, shown.width, shown.height)
    mapped = Box(
        shown.x1 + inside.x1, shown.y1 + inside.y1, shown.x1 + inside.x2, shown.y1 + inside.y2
    )
    return structs.replace(detection, box=mapped)


def scaled(detection: Detection, size: tuple[int, int], to: tuple[int, int]) -> Detection:
    """Map a detection from a picture of `size` (width, height) to the same picture of another."""
    x, y, box = to[0] / size[0], to[1] / size[1], detection.box
    there = Box.clipped(box.x1 * x, box.y1 * y, box.x2 * x, box.y2 * y, *to)
    return structs.replace(detection, box=there)


def to_frame(box: Box, frame: Frame) -> Box:
    """Map a box from the full picture's pixels to the frame's, clipped to it."""
    crop = frame.crop
    if crop is None:
        return box
    left, top = point_to_frame(box.x1, box.y1, frame)
    right, bottom = point_to_frame(box.x2, box.y2, frame)
    return Box.clipped(left, top, right, bottom, frame.width, frame.height)


def point_to_frame(x: float, y: float, frame: Frame) -> tuple[float, float]:
    """Map a point from the full picture's pixels to the frame's; it may lie outside."""
    crop = frame.crop
    if crop is None:
        return x, y
    return (
        (x - crop.box.x1) * frame.width / crop.box.width,
        (y - crop.box.y1) * frame.height / crop.box.height,
    )


def is_in_frame(box: Box, frame: Frame) -> bool:
    """Return whether the frame shows a part of a box in the full picture's pixels."""
    shown = frame_crop(frame).box
    return box.x1 < shown.x2 and shown.x1 < box.x2 and box.y1 < shown.y2 and shown.y1 < box.y2


def cut(frame: Frame, detection: Detection, margin: float = 0.1) -> Frame:
    """Cut a detection (its box in the full picture's pixels) out of the frame.

    `margin` is added on each side, as a share of the box; the crop stays within the frame.
    """
    within = to_frame(detection.box, frame)
    wide, high = within.width * margin, within.height * margin
    box = Box.clipped(
        within.x1 - wide,
        within.y1 - high,
        within.x2 + wide,
        within.y2 + high,
        frame.width,
        frame.height,
    )
    position = to_scene(structs.replace(detection, box=box), frame).box
    full = frame_crop(frame)
    return frame.replaced(
        image=frame.image[box.y1 : box.y2, box.x1 : box.x2],
        data=b"",
        crop=Crop(
            box=position,
            width=full.width,
            height=full.height,
            source=detection,
            located=full.located,
        ),
    )


def reduced(frame: Frame, width: int | None, *, roughly: bool = False) -> Frame:
    """Return the frame reduced to `width` pixels, or itself when it is not wider.

    `roughly`, for people, it is made from what the picture's decoder can reduce it to.
    """
    if width is None or frame.width <= width:
        return frame
    from zmhook.image.resize import resized

    height = max(1, round(frame.height * width / frame.width))
    full = frame.at_least((width, height)) if roughly else frame.image
    return frame.replaced(image=resized(full, width, height), crop=frame_crop(frame))
