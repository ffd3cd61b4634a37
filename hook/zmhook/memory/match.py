"""Match detections with past objects.

Two boxes are the same thing when their labels are, or are aliases of each other, and they are at
the same place: what either has outside the other is at most `past_det_max_diff_area`, or they
overlap by `past_det_min_iou`. What the *earlier* box has outside counts too, or else somebody
small in front of a large parked thing of the same label would be part of it.

A box of a picture of another size is scaled to the size of the current picture; pixels are those of
the current picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zmhook.detection import Detection
    from zmhook.memory.past_object import PastObject
    from zmhook.settings import Extent, Settings

Numbers = npt.NDArray[np.float32]

ROWS = 64
ROUNDING = np.float32(1e-5)
"""Part of a box by which scaling may be wrong."""

MINUTE, HOUR, DAY = 60, 3600, 86400


def match(
    detection: Detection,
    size: tuple[int, int],
    past: Sequence[PastObject],
    settings: Settings,
) -> PastObject | None:
    """Return the past object that this is, None when it is a new one; as `match_all`."""
    return match_all([detection], size, past, settings)[0]


def match_all(
    detections: Sequence[Detection],
    size: tuple[int, int],
    past: Sequence[PastObject],
    settings: Settings,
) -> list[PastObject | None]:
    """Return for each detection the past object that it is, of several the one overlapping most.

    `size` is width and height in pixels of the picture that the boxes are of.
    """
    matches: list[PastObject | None] = [None] * len(detections)
    by_label: dict[str, list[int]] = {}
    for i, detection in enumerate(detections):
        if is_compared(detection, settings):
            by_label.setdefault(detection.label.lower(), []).append(i)
    past_by_label: dict[str, list[PastObject]] = {}
    for other in past if by_label else ():
        past_by_label.setdefault(other.label.lower(), []).append(other)
    for label, numbers in by_label.items():
        names = {label}.union(*(group for group in settings.gate.aliases if label in group))
        others = [other for name in past_by_label if name in names for other in past_by_label[name]]
        if others:
            best, is_same = _best([detections[i] for i in numbers], size, others, settings)
            for i, best_other, same in zip(numbers, best.tolist(), is_same.tolist(), strict=True):
                matches[i] = others[best_other] if same else None
    return matches


def is_compared(detection: Detection, settings: Settings) -> bool:
    """Return whether it may match a past object: no description, and no ignored label."""
    ignored = settings.gate.ignore_past_detection_labels
    return detection.kind != "description" and detection.label.lower() not in ignored


def reason(detection: Detection, size: tuple[int, int], past: PastObject, now: float) -> str:
    """Return why it does not count: `static, IoU 0.93 with event 1021, 14 min ago`."""
    overlap = f"{iou(detection, size, past):.2f}"
    event = f" with event {past.event_id}" if past.event_id is not None else ""
    return f"static, IoU {overlap}{event}, {_age(now - past.first_seen)} ago"


def iou(detection: Detection, size: tuple[int, int], past: PastObject) -> float:
    """Return the intersection over union, 0..1, with the past box scaled to `size`."""
    shared, union, _ = _overlaps(_boxes([detection]), _scaled([past], size))
    return float(shared[0, 0] / union[0, 0])


def _age(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h"
    return f"{whole // DAY} d"


def _best(
    detections: Sequence[Detection],
    size: tuple[int, int],
    past: Sequence[PastObject],
    settings: Settings,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return for each detection which past object overlaps most, and whether any is the same.

    Their labels are taken to be the same, those of the detections are.
    """
    boxes, others = _boxes(detections), _scaled(past, size)
    limit = _limit(detections[0].label, settings)
    part, pixels = np.float32(_value(limit, "%") / 100), np.float32(_value(limit, "px"))
    least = settings.gate.past_det_min_iou or np.inf
    best = np.empty(len(boxes), dtype=np.intp)
    is_same = np.empty(len(boxes), dtype=np.bool_)
    # Some rows at a time: what is worked with then stays near the processor.
    for rows in (slice(at, at + ROWS) for at in range(0, len(boxes), ROWS)):
        shared, union, larger = _overlaps(boxes[rows], others)
        # Outside of the smaller box lies less than outside of the larger one.
        larger *= 1 - ROUNDING - part
        larger -= pixels
        same = shared >= larger
        shared /= union
        same |= shared >= least - ROUNDING
        shared *= same
        best[rows] = shared.argmax(axis=1)
        is_same[rows] = shared.max(axis=1) > 0
    return best, is_same


def _overlaps(boxes: Numbers, others: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return for each pair `(n, m)` in square pixels: what they share, their union, the larger."""
    width = _shared_side(boxes[:, 0], boxes[:, 2], others[:, 0], others[:, 2])
    shared = np.multiply(
        width, _shared_side(boxes[:, 1], boxes[:, 3], others[:, 1], others[:, 3]), out=width
    )
    areas, other_areas = _areas(boxes)[:, None], _areas(others)[None, :]
    union = areas + other_areas
    union -= shared
    return shared, union, np.maximum(areas, other_areas)


def _shared_side(begin: Numbers, end: Numbers, other_begin: Numbers, other_end: Numbers) -> Numbers:
    side = np.minimum(end[:, None], other_end[None, :])
    side -= np.maximum(begin[:, None], other_begin[None, :])
    clipped: Numbers = np.maximum(side, 0, out=side)
    return clipped


def _areas(boxes: Numbers) -> Numbers:
    areas: Numbers = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _boxes(things: Sequence[Detection] | Sequence[PastObject]) -> Numbers:
    corners = [(thing.box.x1, thing.box.y1, thing.box.x2, thing.box.y2) for thing in things]
    # Half the memory of doubles, and exact for boxes of up to 16 megapixels.
    return np.array(corners, dtype=np.float32)


def _scaled(past: Sequence[PastObject], size: tuple[int, int]) -> Numbers:
    sizes = np.array([(other.width, other.height) * 2 for other in past], dtype=np.float32)
    scaled: Numbers = _boxes(past) * np.array(size * 2, dtype=np.float32) / sizes
    return scaled


def _limit(label: str, settings: Settings) -> Extent:
    own = settings.labels.get(label.lower())
    return (own and own.past_det_max_diff_area) or settings.gate.past_det_max_diff_area


def _value(limit: Extent, unit: str) -> float:
    return limit.value if limit.unit == unit else 0.0
