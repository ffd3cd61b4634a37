"""What an engine is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from zmhook.errors import ModelFileError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.yolo.files import ModelFiles
    from zmhook.detectors.yolo.letterbox import Pixels
    from zmhook.settings import Yolo

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
    told the input's.
    """

    family: Literal["onnx", "darknet"]
    width: int
    height: int
    outputs: tuple[tuple[int, ...], ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    names: tuple[frozenset[str], ...] = ()
    pixels: Pixels = "float32"
    asks_size: bool = False

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
