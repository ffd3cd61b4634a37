"""The input size that fits a picture: hardly any of it is grey padding."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zmhook.detectors.yolo.engines.base import Network

Size = tuple[int, int]
"""`(width, height)`"""

ASPECTS: tuple[Size, ...] = ((64, 27), (16, 9), (4, 3), (1, 1), (3, 4), (9, 16))
"""Ultra wide, wide, classic, square, and the last two upright. No others: each size is a file."""

STEP = 32
"""The largest stride of most networks: an input's sides are multiples of it."""

PADDING = 8
"""Pixels of padding at least, along the side that has any: networks learned with it, and change
their minds where it is missing (640x480: 2 of 76 detections; 640x512: none)."""

_NOTHING = 1e-6
"""Pixels that a number may be too large by, for being no whole one in a computer."""


def fitted_size(picture: Size, own: Size, step: int = STEP) -> Size:
    """Return the input for a picture with a network whose own input is `own`.

    It is the smallest of those that fit one of `ASPECTS` and hold the picture at the scale that it
    has in `own`; at most `own` itself.
    """
    across, down = _inside(picture, own)
    holding = [size for size in sizes(own, step) if size[0] >= across and size[1] >= down]
    return min(holding, key=lambda size: size[0] * size[1], default=own)


def sizes(own: Size, step: int = STEP) -> list[Size]:
    """Return the inputs that can be fitted, `own` included, each once."""
    if own[0] % step or own[1] % step:
        return [own]
    return list(dict.fromkeys([own, *(_holding(aspect, own, step) for aspect in ASPECTS)]))


def _holding(aspect: Size, own: Size, step: int) -> Size:
    across, down = _inside(aspect, own)
    return _up(across, step), _up(down, step)


def _inside(picture: Size, own: Size) -> Size:
    """Return the pixels that a picture and its least padding need in an input of `own`."""
    scale = min(own[0] / picture[0], own[1] / picture[1])
    width, height = (
        whole if whole >= most else min(whole + PADDING, most)
        for whole, most in zip(
            (ceil(side * scale - _NOTHING) for side in picture), own, strict=True
        )
    )
    return width, height


def _up(side: int, step: int) -> int:
    return -(-side // step) * step


def step_of(network: Network) -> int:
    """Return the largest stride, as far as the file says: of networks for large inputs it is 64."""
    stride = network.metadata.get("stride", "")
    return max(STEP, int(stride)) if stride.isdecimal() and len(stride) < len("1000") else STEP


def shown(size: Iterable[int]) -> str:
    """Return a size as people write it: 640x384."""
    return "x".join(map(str, size))


def size_in(text: str) -> Size:
    """Read what `shown` wrote; raises `ValueError`."""
    width, height = text.split("x")
    return int(width), int(height)
