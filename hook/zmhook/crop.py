"""A picture that is part of a larger one, and how boxes go from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, structs

from zmhook.detection import Box, Detection

if TYPE_CHECKING:
    from zmhook.event import Frame


class Crop(Struct, frozen=True, kw_only=True):
    """Where in the full picture, of `width` x `height` pixels, a frame lies.

    `box` is in the full picture's pixels; a frame that was reduced covers all of it. `of` is what
    was cut out: what a model found, or what the camera says that it saw.
    """

    box: Box
    width: int
    height: int
    of: Detection | None = None


def whole(frame: Frame) -> Crop:
    """Return where the frame lies: itself when it is no part of anything."""
    return frame.crop or Crop(
        box=Box(0, 0, frame.width, frame.height), width=frame.width, height=frame.height
    )


def to_full(found: Detection, frame: Frame) -> Detection:
    """Turn a box in the frame's pixels into one in the full picture's."""
    crop = frame.crop
    if crop is None:
        return found
    x, y = crop.box.width / frame.width, crop.box.height / frame.height
    left, top, box = crop.box.x1, crop.box.y1, found.box
    mapped = Box.clipped(
        left + box.x1 * x,
        top + box.y1 * y,
        left + box.x2 * x,
        top + box.y2 * y,
        crop.width,
        crop.height,
    )
    return structs.replace(found, box=mapped)


def to_frame(box: Box, frame: Frame) -> Box:
    """Turn a box in the full picture's pixels into one in the frame's, clipped to it."""
    crop = frame.crop
    if crop is None:
        return box
    x, y = frame.width / crop.box.width, frame.height / crop.box.height
    left, top = crop.box.x1, crop.box.y1
    return Box.clipped(
        (box.x1 - left) * x,
        (box.y1 - top) * y,
        (box.x2 - left) * x,
        (box.y2 - top) * y,
        frame.width,
        frame.height,
    )


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
    place = to_full(structs.replace(found, box=box), frame).box
    full = whole(frame)
    return structs.replace(
        frame,
        image=frame.image[box.y1 : box.y2, box.x1 : box.x2],
        data=b"",
        crop=Crop(box=place, width=full.width, height=full.height, of=found),
    )
