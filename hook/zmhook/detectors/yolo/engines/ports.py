"""What a network takes: one picture, and for some kinds the size to give boxes in."""

from __future__ import annotations

import ast
import logging
from typing import TYPE_CHECKING, NamedTuple, cast

from zmhook.detectors.yolo.engines.base import OPEN_SIZE, STEP, chosen_size
from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from zmhook.detectors.model_file import ModelFile
    from zmhook.detectors.yolo.letterbox import Pixels
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

SIZE = "orig_target_sizes"
"""RT-DETR's and D-FINE's second input `(1, 2)`: the width and height that boxes are scaled to."""
PICTURES = ("float32", "float16", "uint8")
RANK = 4
CHANNELS = 3
PAIR = 2
LONGEST = 8192

Shape = list[int | str | None]
"""A name or None stands for a free side."""


class Port(NamedTuple):
    """One input. `type` is numpy's name of it, or the engine's own where numpy has none."""

    name: str
    type: str
    shape: Shape
    described: str
    """The type as the engine calls it, for people."""


class Inputs(NamedTuple):
    """The picture, and the size that boxes are asked in, each with its place."""

    picture: Port
    size: Port | None = None

    @property
    def pixels(self) -> Pixels:
        return cast("Pixels", self.picture.type)


def inputs_of(ports: Sequence[Port], weights: ModelFile) -> Inputs:
    """Tell the inputs apart; raises `ModelFileError` when there are others."""
    pictures = [port for port in ports if _is_picture(port)]
    sizes = [port for port in ports if port.name == SIZE and len(port.shape) == PAIR]
    if len(pictures) != 1 or len(sizes) > 1 or len(pictures) + len(sizes) != len(ports):
        inputs = ", ".join(f"{port.described} {port.shape}" for port in ports)
        raise ModelFileError(
            f"{weights} takes {inputs}; understood: one picture, float, float16 or uint8, "
            f"[1, 3, height, width] (and {SIZE}, as RT-DETR and D-FINE have it)"
        )
    return Inputs(pictures[0], sizes[0] if sizes else None)


def size_of(picture: Port, settings: Yolo, metadata: Mapping[str, str]) -> tuple[int, int]:
    """Return `(width, height)` to give; free sides are as the settings or the file's words say.

    Raises `ModelFileError` for a setting that no network can take.
    """
    height, width = picture.shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    usual = exported_size(metadata)
    free = (chosen_size(settings, usual[0]), chosen_size(settings, usual[1]))
    return (
        width if isinstance(width, int) else free[0],
        height if isinstance(height, int) else free[1],
    )


def exported_size(metadata: Mapping[str, str]) -> tuple[int, int]:
    """Return `(width, height)` that the network was exported for, as Ultralytics' exporter says.

    Its `imgsz` is `[height, width]`, or one number for both.
    """
    imgsz = metadata.get("imgsz", "")
    if not imgsz:
        return OPEN_SIZE, OPEN_SIZE
    try:
        value = ast.literal_eval(imgsz)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        value = None
    sides = [value, value] if isinstance(value, int) else value
    if isinstance(sides, list | tuple) and len(sides) == PAIR and all(map(_is_side, sides)):
        return sides[1], sides[0]
    log.warning(
        "the network's file says imgsz = %.40s, which is no size; using %d", imgsz, OPEN_SIZE
    )
    return OPEN_SIZE, OPEN_SIZE


def _is_side(side: object) -> bool:
    return isinstance(side, int) and STEP <= side <= LONGEST and side % STEP == 0


def _is_picture(port: Port) -> bool:
    if len(port.shape) != RANK or port.type not in PICTURES:
        return False
    batch, channels, _, _ = port.shape
    return (batch == 1 or not isinstance(batch, int)) and channels == CHANNELS
