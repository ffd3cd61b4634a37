"""Where a plate may be, without a network that was trained to find one.

Letters are many upright edges close together, so places that have more of them than their
surroundings are read, and the reading network itself says which of them is a plate: in 25,000
windows of seven vehicles without a readable plate its least sure character never reached 0.33, and
0.48 where such a window was moved and stretched until it read best.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from zmhook.detection import Box
from zmhook.detectors.alpr.ocr import Reading
from zmhook.detectors.nms import kept_boxes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Boxes = npt.NDArray[np.int64]
    Read = Callable[[Sequence[Image]], list[Reading]]

BOTTOM = 0.35
"""How far down the lower part of a vehicle begins, as a share of its height: hardly any plate is
higher, and signs and windows are."""
LEAST_WIDTH = 24
"""Pixels across below which nobody can read a plate."""
LEAST_TEXT = 4
"""Characters; shorter texts are read out of grilles."""
SURE = 0.8
"""Confidence from which on a longer text is better than a surer one: half a plate reads well."""
PROMISE = 0.55
"""Confidence and mean together below which a window is not looked at more closely. Of a plate that
lies in it only in part they are more; of three windows on a bare vehicle two have less."""
HOPE = 0.4
"""Confidence below which what was read is not looked at more closely."""

_ACROSS = {True: 480, False: 640}
_WIDTHS = {
    True: (0.07, 0.1, 0.15, 0.22, 0.33),
    False: (0.035, 0.05, 0.07, 0.1, 0.15, 0.22, 0.33),
}
_RATIOS = (1.4, 3.2)
_CANDIDATES = 40
_STEPS = (0.2, 0.1)
_SEEDS = 3
_RANKED = 2000
_WIDER = tuple(
    (left, right, taller)
    for left, right in ((0.15, 0.0), (0.0, 0.15), (0.15, 0.15), (0.4, 0.0), (0.0, 0.4), (0.4, 0.4))
    for taller in (1.0, 1.25)
)
"""By how much of its width a window is widened to the left and to the right, and how much taller
it gets."""
_NARROWER = 0.05
_WIDER_TIMES = 4
_AGREEMENT = ((0.0, 0.28, 0.36, 0.5, 0.8, 0.9), (0.1, 0.3, 0.65, 0.7, 0.85, 1.0))
"""Share of wider windows that read the same, and the factor of the confidence. Measured
on 287 drawn plates (bench/plates.py): of what was found at an agreement below 0.3, 0.5, 0.8 and 0.9
1 of 9, 7 of 12, 38 of 49 and 52 of 55 were right, and above it 161 of 162."""
_OVERLAP = 0.35
_PLATE_LIKE = (1.5, 7.0)


class View(NamedTuple):
    """What was read, and where in the picture."""

    box: Box
    reading: Reading


def search(image: Image, read: Read, *, of_vehicle: bool) -> View | None:
    """Return the surest plate of a BGR picture `(height, width, 3)`, or None.

    `of_vehicle`: the picture is one vehicle, whose lower part is searched. The confidence is that
    of the reading, lowered where wider windows do not say the same.
    """
    seeds = _read(image, _candidates(image, of_vehicle=of_vehicle), read)[:_SEEDS]
    views = [
        view for seed in seeds if _promise(seed) >= PROMISE for view in _closer(image, seed, read)
    ]
    return checked(image, _agreed(views), read) if views else None


def _closer(image: Image, seed: View, read: Read) -> list[View]:
    """Move and stretch the window towards what is surest; return all that was read."""
    views, best = [seed], seed
    for step in _STEPS:
        views += _read(image, _around(best.box, step, image), read)
        best = max(views, key=_worth)
        if best.reading.confidence < HOPE:
            break
    return views


def _agreed(views: Sequence[View]) -> View:
    """Return what most windows say, of those that are sure, else the surest.

    A window on half a plate reads half of its text: that speaks for the whole one, too, and half
    as much.
    """
    sure = [view for view in views if view.reading.confidence >= SURE]
    if not sure:
        return max(views, key=_confidence)
    votes: dict[str, float] = defaultdict(float)
    for view in views:
        if view.reading.confidence >= HOPE:
            votes[view.reading.text] += view.reading.confidence

    def weight(text: str) -> float:
        parts = sum(vote for part, vote in votes.items() if part in text)
        return (votes[text] + parts) / 2

    best = max({view.reading.text for view in sure}, key=weight)
    return max((view for view in sure if view.reading.text == best), key=_confidence)


def checked(image: Image, view: View, read: Read) -> View:
    """Look wider until that shows no more of the plate; then be as sure as what was seen agrees.

    A window whose border cuts a plate reads what is in it, and is sure of that.
    """
    for _ in range(_WIDER_TIMES):
        around = _all(image, _wider(view.box, image), read)
        better = _better(view, around)
        if better is None:
            break
        view = better
    current = view.reading
    sure = current.confidence * float(np.interp(_agreement(current.text, around), *_AGREEMENT))
    return View(view.box, current._replace(confidence=sure))


def _agreement(text: str, around: Sequence[View]) -> float:
    """Return how much of what was read says the same; what is sure of itself counts for more."""
    weights: dict[str, float] = defaultdict(float)
    for near in around:
        weights[near.reading.text] += near.reading.confidence**2
    return weights[text] / max(sum(weights.values()), np.finfo(float).tiny)


def _better(view: View, around: Sequence[View]) -> View | None:
    """Return what shows more of the same plate, or what most of the wider windows are sure of."""
    text = view.reading.text
    sure = [
        near for near in around if near.reading.confidence >= SURE and near.reading.text != text
    ]
    longer = [near for near in sure if text in near.reading.text]
    if longer:
        return max(longer, key=_confidence)
    counts = Counter(near.reading.text for near in around if near.reading.confidence >= HOPE)
    others = [
        near
        for near in sure
        if near.reading.text not in text and counts[near.reading.text] > max(2, counts[text] + 1)
    ]
    return max(
        others, key=lambda near: (counts[near.reading.text], _confidence(near)), default=None
    )


def _wider(box: Box, image: Image) -> list[Box]:
    """Return windows that reach farther to the sides, and up and down.

    Where the picture ends there is no more to see: a somewhat narrower window shows there whether
    the lettering goes on to the border.
    """
    height, width = image.shape[:2]
    made = []
    for left, right, taller in _WIDER:
        x1 = box.x1 - _reach(left, box.x1 / box.width) * box.width
        x2 = box.x2 + _reach(right, (width - box.x2) / box.width) * box.width
        more = (taller - 1) / 2 * box.height
        made.append(Box.clipped(x1, box.y1 - more, x2, box.y2 + more, width, height))
    return made


def _reach(reach: float, there: float) -> float:
    """Return how far a window may reach beyond another, as a share of its width."""
    if not reach or there >= reach / 2:
        return min(reach, there)
    return -_NARROWER


def _confidence(view: View) -> float:
    return view.reading.confidence


def _worth(view: View) -> tuple[bool, int, float]:
    text, confidence, _ = view.reading
    sure = confidence >= SURE
    return sure, len(text) if sure else 0, confidence


def _read(image: Image, boxes: Sequence[Box], read: Read) -> list[View]:
    """Return what is long enough, the most promising first."""
    views_read = _all(image, boxes, read)
    candidates = [view for view in views_read if len(view.reading.text) >= LEAST_TEXT]
    return sorted(candidates, key=_promise, reverse=True)


def _all(image: Image, boxes: Sequence[Box], read: Read) -> list[View]:
    readings = read([image[box.y1 : box.y2, box.x1 : box.x2] for box in boxes])
    return [View(box, near) for box, near in zip(boxes, readings, strict=True)]


def _promise(view: View) -> float:
    return view.reading.confidence + view.reading.mean


def _around(box: Box, step: float, image: Image) -> list[Box]:
    height, width = image.shape[:2]
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    made = (
        Box.clipped(
            x + across * step * box.width - wider * box.width / 2,
            y + down * step * box.height - higher * box.height / 2,
            x + across * step * box.width + wider * box.width / 2,
            y + down * step * box.height + higher * box.height / 2,
            width,
            height,
        )
        for across in (-1, 0, 1)
        for down in (-1, 0, 1)
        for wider, higher in ((1, 1), (1.25, 1.25), (1, 1.4), (0.8, 0.8))
    )
    return [near for near in dict.fromkeys(made) if near.width >= LEAST_WIDTH]


# -- where to look -------------------------------------------------------------------------------


def _candidates(image: Image, *, of_vehicle: bool) -> list[Box]:
    """Return windows that may hold a plate, and all of a picture that has the form of one."""
    height, width = image.shape[:2]
    top = int(BOTTOM * height) if of_vehicle else 0
    scale = min(1.0, _ACROSS[of_vehicle] / width)
    edges = _edges(image[top:], scale)
    windows, scores = _windows(edges, _WIDTHS[of_vehicle], max(8, round(LEAST_WIDTH * scale)))
    best = windows[np.argsort(-scores, kind="stable")[:_RANKED]].astype(np.float64)
    candidates = [
        Box.clipped(x1 / scale, y1 / scale + top, x2 / scale, y2 / scale + top, width, height)
        for x1, y1, x2, y2 in best[kept_boxes(best, _OVERLAP, _CANDIDATES)].tolist()
    ]
    if _PLATE_LIKE[0] <= width / height <= _PLATE_LIKE[1] and not of_vehicle:
        candidates.insert(0, Box(0, 0, width, height))
    return candidates


def _edges(image: Image, scale: float) -> npt.NDArray[np.float64]:
    """Return the integral image of the strength of upright edges, at that scale."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    strength = np.minimum(np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)), 255)
    return np.asarray(cv2.integral(strength), np.float64)


def _windows(
    edges: npt.NDArray[np.float64], widths: Iterable[float], least: int
) -> tuple[Boxes, npt.NDArray[np.float64]]:
    """Return all windows, `(n, 4)` corners, and how much more edge each has than around it."""
    height, width = edges.shape[0] - 1, edges.shape[1] - 1
    boxes = [np.empty((0, 4), np.int64)]
    for share in widths:
        across = max(least, round(width * share))
        for ratio in _RATIOS:
            down = max(6, round(across / ratio))
            if across < width and down < height:
                boxes.append(_grid(width, height, across, down))
    made = np.concatenate(boxes)
    return made, _contrast(edges, made)


def _grid(width: int, height: int, across: int, down: int) -> Boxes:
    columns = np.arange(0, width - across, max(1, across // 6))
    rows = np.arange(0, height - down, max(1, down // 4))
    x, y = (axis.ravel() for axis in np.meshgrid(columns, rows))
    return np.stack((x, y, x + across, y + down), axis=1).astype(np.int64)


def _contrast(edges: npt.NDArray[np.float64], boxes: Boxes) -> npt.NDArray[np.float64]:
    height, width = edges.shape[0] - 1, edges.shape[1] - 1
    x, y = (boxes[:, 2] - boxes[:, 0]) // 3, (boxes[:, 3] - boxes[:, 1]) // 2
    wider = boxes + np.stack((-x, -y, x, y), axis=1)
    wider[:, 0::2] = wider[:, 0::2].clip(0, width)
    wider[:, 1::2] = wider[:, 1::2].clip(0, height)
    inside, all_of_it = _sum(edges, boxes), _sum(edges, wider)
    around = (all_of_it - inside) / np.maximum(1, _area(wider) - _area(boxes))
    return np.asarray(inside / _area(boxes) - around, np.float64)


def _sum(edges: npt.NDArray[np.float64], boxes: Boxes) -> npt.NDArray[np.float64]:
    x1, y1, x2, y2 = boxes.T
    return np.asarray(edges[y2, x2] - edges[y1, x2] - edges[y2, x1] + edges[y1, x1], np.float64)


def _area(boxes: Boxes) -> npt.NDArray[np.int64]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), np.int64)
