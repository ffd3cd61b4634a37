"""The contract of an engine, and the inputs of a network."""

from __future__ import annotations

import ast
import logging
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, cast

import numpy as np

from zmhook.errors import DetectorError, ModelFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from zmhook.detectors.model_files import ModelFile, ModelFiles
    from zmhook.detectors.yolo.letterbox import Pixels
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

STEP = 32
"""Networks halve their input five times, so its sides are multiples of this."""

OPEN_SIZE = 640
"""What YOLO networks are trained at, where neither the file nor the settings say otherwise."""

MOST_THREADS = 4
"""More than these gain little for one picture and take the cores from others."""


@dataclass(frozen=True)
class Network:
    """What an engine knows of the network it has loaded.

    `outputs` are the shapes it really gives, `names` what each output is called (an engine may
    know several words for one); `metadata` is what the file says about itself. `pixels` is what it
    takes, and `asks_size` whether it also takes the size that its boxes are to be given in: it is
    told the input's. `is_open`: it takes other sizes, too.
    """

    family: Literal["onnx", "darknet"]
    width: int
    height: int
    outputs: tuple[tuple[int, ...], ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    names: tuple[frozenset[str], ...] = ()
    pixels: Pixels = "float32"
    asks_size: bool = False
    is_open: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """`(width, height)` of the input in pixels."""
        return self.width, self.height


class Engine(Protocol):
    """Runs one network. Heavy imports belong in `load`."""

    reads: ClassVar[str]
    """The suffix of the weights that it reads, such as `.onnx`."""

    name: ClassVar[str]
    """What `yolo_engine` calls it, where several read the same suffix."""

    description: str
    """For the log: the engine, its version and what it runs on. Set by `load`."""

    def __init__(self, files: ModelFiles, settings: Yolo) -> None: ...

    def load(self) -> Network:
        """Read the files; raises `ModelFileError`, `MissingPart` or `DetectorError`."""

    def infer(self, blob: npt.NDArray[np.float32 | np.uint8]) -> list[npt.NDArray[np.float32]]:
        """Run the network on `(1, 3, height, width)`; raises `DetectorError`.

        Takes what `letterbox.blob` makes for the network's `pixels`.
        """

    def close(self) -> None:
        """Free what `load` took. May be called twice."""


def threads(settings: Yolo) -> int:
    """Return `yolo_threads`; for 0 the cores that this process may use, at most 4."""
    return settings.yolo_threads or min(MOST_THREADS, len(os.sched_getaffinity(0)))


def chosen_size(settings: Yolo, otherwise: int) -> int:
    """Return `yolo_input_size`, or `otherwise` for 0; raises `ModelFileError`."""
    size = settings.yolo_input_size or otherwise
    if size % STEP:
        raise ModelFileError(
            f"[yolo] yolo_input_size: {size} is not a multiple of {STEP}, "
            f"as networks need it; use {max(STEP, round(size / STEP) * STEP)}"
        )
    return size


# -- engines for ONNX files ------------------------------------------------------------------------

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


def size_of(
    picture: Port,
    settings: Yolo,
    metadata: Mapping[str, str],
    fitted: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """Return `(width, height)` to give; free sides are as the settings or the file's words say.

    Where both are free they are as `fitted` says, if it does. Raises `ModelFileError` for a setting
    that no network can take.
    """
    height, width = picture.shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        return width, height
    if fitted and is_open(picture):
        return fitted
    usual = exported_size(metadata)
    free = (chosen_size(settings, usual[0]), chosen_size(settings, usual[1]))
    return (
        width if isinstance(width, int) else free[0],
        height if isinstance(height, int) else free[1],
    )


def is_open(picture: Port) -> bool:
    """Whether the file leaves both sides of the picture open."""
    return not any(isinstance(side, int) for side in picture.shape[2:])


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


class OnnxFileEngine(ABC):
    """What the engines for `.onnx` files share; the network takes one picture."""

    reads = ".onnx"

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        self._weights = files.weights
        self._fitted = files.size
        self._settings = settings
        self._inputs: Inputs | None = None
        self._size: dict[str, Any] = {}
        self.description = ""

    def infer(self, blob: npt.NDArray[np.float32 | np.uint8]) -> list[npt.NDArray[np.float32]]:
        if self._inputs is None:
            raise DetectorError(f"{self._weights} is used after it was closed")
        name, kind = self._inputs.picture[:2]
        try:
            outputs = self._run({name: blob.astype(kind, copy=False), **self._size})
        except Exception as error:  # the engines' errors have no base of their own
            raise DetectorError(f"{self._weights} failed: {self._reason(error)}") from error
        return [output.astype("float32", copy=False) for output in outputs]

    def close(self) -> None:
        self._inputs = None

    @abstractmethod
    def _run(self, inputs: dict[str, Any]) -> Sequence[Any]:
        """Return the outputs for the inputs, by name; raises anything."""

    @staticmethod
    @abstractmethod
    def _reason(error: Exception) -> str:
        """Return the engine's own message in one line."""

    def _take(self, ports: Sequence[Port], metadata: Mapping[str, str]) -> tuple[int, int]:
        """Tell the inputs apart, and return the `(width, height)` to give.

        Where the network asks in which pixels to give boxes, it is told the input's.
        """
        self._inputs = inputs_of(ports, self._weights)
        width, height = size_of(self._inputs.picture, self._settings, metadata, self._fitted)
        if size := self._inputs.size:
            self._size = {size.name: np.array([[width, height]], size.type)}
        return width, height

    def _network(
        self,
        size: tuple[int, int],
        outputs: Sequence[tuple[int, ...]] | None,
        names: Iterable[frozenset[str]],
        metadata: Mapping[str, str],
    ) -> Network:
        """Describe the network; one that leaves the shape of an output open is run to tell it."""
        width, height = size
        if outputs is None:
            empty = np.zeros((1, 3, height, width), np.float32)
            outputs = [output.shape for output in self.infer(empty)]
        return Network(
            family="onnx",
            width=width,
            height=height,
            outputs=tuple(outputs),
            metadata=metadata,
            names=tuple(names),
            pixels=self._inputs.pixels if self._inputs else "float32",
            asks_size=bool(self._size),
            is_open=self._inputs is not None and is_open(self._inputs.picture),
        )
