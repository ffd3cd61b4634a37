"""When an event was, how large its pictures are, and where a best snapshot lies in them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from zmhook.detection import Box, Detection
from zmhook.frame import Crop
from zmhook.frames.event_folder import files
from zmhook.image.header import read_header
from zmhook.labels import common
from zmhook.storage.regular import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from zmhook.event import Event
    from zmhook.snapshots.snapshot import Attribute, SceneBox, StoredSnapshot
    from zmhook.zoneminder.event_row import EventRow

_JUST_NOW = 5.0
_HEADER = 64 * 1024
_QUARTER = 900
_NEAR_QUARTER = 120


class EventWindow(NamedTuple):
    """`begin` and `end` are seconds since the epoch; `end` is None while the event goes on.

    The event's pictures are `width` x `height` pixels, 0 when unknown.
    """

    begin: float
    end: float | None = None
    width: int = 0
    height: int = 0


def window_of(event: Event, row: EventRow | None) -> EventWindow:
    """Return what the event's row says, else its folder; else it began when we were asked.

    Versions before 1.37 give local time, that of their database, without the zone; it is taken for
    this machine's, unless the times of the event's files say otherwise.
    """
    by_folder = _of_folder(event.folder or (row.folder if row else ""))
    if row is None or row.started is None:
        return by_folder or EventWindow(event.asked)
    shift = 0.0 if row.is_exact else _shift(row.started, row.ended, by_folder)
    begin = row.started + shift
    size = (row.width, row.height)
    return EventWindow(
        begin if begin <= time.time() else event.asked,
        None if row.ended is None else row.ended + shift,
        *(size if all(size) else (by_folder[2:] if by_folder else (0, 0))),
    )


def _shift(begin: float, end: float | None, by_folder: EventWindow | None) -> float:
    """Return the seconds by which the database's zone differs from ours.

    Zones differ by quarters of an hour. The last file is written when the event ends; how long
    after its beginning the first one is depends on what is kept.
    """
    if by_folder is None:
        return 0.0
    differ = by_folder.begin - begin if end is None else (by_folder.end or time.time()) - end
    quarters = float(round(differ / _QUARTER) * _QUARTER)
    return quarters if abs(differ - quarters) <= _NEAR_QUARTER else 0.0


def _of_folder(path: str) -> EventWindow | None:
    """Return what the files of an event's folder show, None when it has none (or is not here)."""
    written = dict(_recorded(path))
    if not written:
        return None
    last = max(written.values())
    sizes = (_size(file) for file in sorted(written) if file.suffix == ".jpg")
    width, height = next((size for size in sizes if all(size)), (0, 0))
    is_over = time.time() - last > _JUST_NOW
    return EventWindow(min(written.values()), last if is_over else None, width, height)


def _recorded(path: str) -> Iterator[tuple[Path, float]]:
    """Give the files and when each was last written."""
    if not path:
        return
    with suppress(OSError, ValueError):  # ValueError: a NUL in the name
        for file in files(path):
            with suppress(OSError):
                yield file, file.stat().st_mtime


def _size(file: Path) -> tuple[int, int]:
    with suppress(OSError), reading(file, follow=True) as opened:
        header = read_header(opened.read(_HEADER))
        return (header.width, header.height) if header else (0, 0)
    return 0, 0


CAMERA = "camera"
"""Model of the detections that are a camera's own."""

_LARGEST = 65_535
_ALIKE = 0.03


def crop_of(row: StoredSnapshot, width: int, height: int, window: EventWindow) -> Crop:
    """Return where a best snapshot lies, whose picture has `width` x `height` pixels.

    The scene has the size of the event's pictures where that is known and of the same shape, so
    that zones and boxes mean the same there; else as many pixels as the snapshot was cut from.
    """
    size = _scene(row.crop, width, height, window)
    if row.crop is None or size is None:
        everything = Box(0, 0, width, height)
        source = _detection(row, everything)
        return Crop(box=everything, width=width, height=height, source=source, located=False)
    box = _pixels(row.crop, *size)
    source = _detection(row, _pixels(row.box, *size) if row.box else box)
    return Crop(box=box, width=size[0], height=size[1], source=source)


def _scene(
    crop: SceneBox | None, width: int, height: int, window: EventWindow
) -> tuple[int, int] | None:
    """Return the scene's size in pixels; None when the crop does not show it."""
    if crop is None or crop.width <= 0 or crop.height <= 0:
        return None
    wide, high = width / crop.width, height / crop.height
    if max(wide, high) > _LARGEST or min(round(wide), round(high)) < 1:
        return None
    if window.width and window.height:
        # A crop's sides are whole pixels: the smaller it is, the less exact.
        tolerance = _ALIKE + 1 / width + 1 / height
        if abs(wide * window.height / (high * window.width) - 1) <= tolerance:
            return window.width, window.height
    return round(wide), round(high)


def _pixels(box: SceneBox, width: int, height: int) -> Box:
    return Box.clipped(
        box.left * width, box.top * height, box.right * width, box.bottom * height, width, height
    )


def _detection(row: StoredSnapshot, box: Box) -> Detection | None:
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
    attributes: dict[str, Attribute] = {
        "camera": row.camera,
        "camera_class": row.label,
        "track": row.track_id,
        "snapshot": row.number,
    }
    return {**attributes, "colours": ", ".join(row.colours)} if row.colours else attributes
