"""Where in the camera's whole picture a snapshot lies, and what the camera says that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zmhook.detection import Box, Detection
from zmhook.frame import Crop
from zmhook.labels.camera import common

if TYPE_CHECKING:
    from zmhook.frames.window import Window
    from zmhook.snapshots.snapshot import Attribute, SceneBox, StoredSnapshot

CAMERA = "camera"
"""Model of the detections that are a camera's own."""

_LARGEST = 65_535
_ALIKE = 0.03


def crop_of(row: StoredSnapshot, width: int, height: int, window: Window) -> Crop:
    """Return the place of a snapshot's picture, which has `width` x `height` pixels.

    The scene has the size of the event's pictures where that is known and of the same shape, so
    that zones and boxes mean the same there; else as many pixels as the snapshot was cut from.
    """
    size = _scene(row.crop, width, height, window)
    if row.crop is None or size is None:
        everything = Box(0, 0, width, height)
        of = _said(row, everything)
        return Crop(box=everything, width=width, height=height, source=of, located=False)
    place = _pixels(row.crop, *size)
    of = _said(row, _pixels(row.box, *size) if row.box else place)
    return Crop(box=place, width=size[0], height=size[1], source=of)


def _scene(
    crop: SceneBox | None, width: int, height: int, window: Window
) -> tuple[int, int] | None:
    """Return the scene's size in pixels; None when the crop does not tell."""
    if crop is None or crop.width <= 0 or crop.height <= 0:
        return None
    wide, high = width / crop.width, height / crop.height
    if max(wide, high) > _LARGEST or min(round(wide), round(high)) < 1:
        return None
    if window.width and window.height:
        # A crop's sides are whole pixels: the smaller it is, the less it tells.
        tolerance = _ALIKE + 1 / width + 1 / height
        if abs(wide * window.height / (high * window.width) - 1) <= tolerance:
            return window.width, window.height
    return round(wide), round(high)


def _pixels(box: SceneBox, width: int, height: int) -> Box:
    return Box.clipped(
        box.left * width, box.top * height, box.right * width, box.bottom * height, width, height
    )


def _said(row: StoredSnapshot, box: Box) -> Detection | None:
    """Return the camera's classification; None when it gave none."""
    if not row.label:
        return None
    return Detection(
        label=common(row.label),
        confidence=row.score or 0.0,
        box=box,
        model=CAMERA,
        attributes={**row.attributes, **_attributes(row)},
    )


def _attributes(row: StoredSnapshot) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {
        "camera": row.camera,
        "camera_class": row.label,
        "track": row.track_id,
        "snapshot": row.number,
    }
    return {**found, "colours": ", ".join(row.colours)} if row.colours else found
