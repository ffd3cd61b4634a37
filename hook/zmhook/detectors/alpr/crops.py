"""Vehicles and plates that were found twice in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.image.crop import to_scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.frame import Frame

SAME_CROP = 0.7
"""Overlap (IoU) above which two vehicles are one that was found twice: it is looked at once."""
SAME_PLATE = 0.4


def is_seen(frame: Frame, before: Sequence[Frame]) -> bool:
    """Say whether one of the crops before shows the same vehicle, found under another label."""
    crop = frame.crop
    if crop is None or crop.source is None:
        return False
    return any(
        other.id == frame.id and other.crop is not None and other.crop.box.iou(crop.box) > SAME_CROP
        for other in before
    )


def is_told(
    one: Detection, frame: Frame, frames: Sequence[Frame], found: Sequence[Sequence[Detection]]
) -> bool:
    """Say whether another crop of the same picture has shown this plate already."""
    box = to_scene(one, frame).box
    return any(
        other.id == frame.id
        and (told.label == one.label or to_scene(told, other).box.iou(box) > SAME_PLATE)
        for other, tolds in zip(frames, found, strict=False)
        for told in tolds
    )
