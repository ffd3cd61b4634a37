"""The text of a plate that is cut out, by a network of the fast-plate-ocr family.

Their contract (github.com/ankandrew/fast-plate-ocr, MIT): a batch of RGB or grey `uint8` pictures
`(n, height, width, 3 or 1)`, stretched to the network's size, gives for each of a number of slots
a probability for each character of an alphabet whose last one means "nothing here".

The library itself is not used: it asks for another build of OpenCV, which pip would install over
ours. Its answers on the same file are the same to the last digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from zmhook.detectors.onnx_runtime import open_session, reason, runtime
from zmhook.errors import DetectorError, ModelFileError
from zmhook.models.manifest import line_to_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from zmhook.detectors.model_files import ModelFile

    Image = npt.NDArray[np.uint8]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
PAD = len(ALPHABET) - 1
AT_ONCE = 32
"""Pictures in one batch."""
COLOUR, GREY = 3, 1
_DIMENSIONS = 4


class Reading(NamedTuple):
    """A text and the least probability of any of its slots, those after its end included.

    One wrong character makes a plate another one, so it is only as sure as its weakest. `mean` is
    that over its characters.
    """

    text: str
    confidence: float
    mean: float


NOTHING = Reading("", 0.0, 0.0)


class PlateOcr:
    """One loaded network. One thread uses it at a time."""

    def __init__(self, file: ModelFile, threads: int) -> None:
        """Load the file; raises `ModelFileError`, `MissingPart`, `DetectorError`."""
        file.check()
        self._file = file
        ort = runtime("reading plates on this machine", "alpr")
        self._session: Any = open_session(ort, file, threads)
        self._input, self._size, self._colours = self._shape()
        self.read([np.zeros((8, 16, COLOUR), np.uint8)])  # shows what it answers

    def read(self, pictures: Sequence[Image]) -> list[Reading]:
        """Read cut-out plates, BGR arrays `(height, width, 3)`; raises `DetectorError`."""
        readings: list[Reading] = []
        for start in range(0, len(pictures), AT_ONCE):
            batch = np.stack([self._fitted(item) for item in pictures[start : start + AT_ONCE]])
            readings += [read_slots(slots) for slots in self._slots(batch)]
        return readings

    def _fitted(self, picture: Image) -> npt.NDArray[np.uint8]:
        code = cv2.COLOR_BGR2RGB if self._colours == COLOUR else cv2.COLOR_BGR2GRAY
        made = cv2.resize(picture, self._size, interpolation=cv2.INTER_LINEAR)
        width, height = self._size
        return np.asarray(cv2.cvtColor(made, code), np.uint8).reshape(height, width, self._colours)

    def _slots(self, batch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return `(n, slots, characters)`."""
        try:
            answer = self._session.run(None, {self._input: batch})[0]
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise DetectorError(f"{self._file} failed: {reason(error)}") from error
        if answer.size % (len(batch) * len(ALPHABET)):
            raise ModelFileError(self._not_understood(f"gives {_shown(answer.shape)}"))
        slots = answer.reshape(len(batch), -1, len(ALPHABET)).astype(np.float32, copy=False)
        return np.asarray(np.nan_to_num(slots, nan=0.0, posinf=0.0, neginf=0.0), np.float32)

    def _shape(self) -> tuple[str, tuple[int, int], int]:
        """Return the input's name, its `(width, height)` and number of colours."""
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) == _DIMENSIONS and inputs[0].type == "tensor(uint8)":
            _, height, width, colours = shape
            if isinstance(height, int) and isinstance(width, int) and colours in (COLOUR, GREY):
                return inputs[0].name, (width, height), colours
        taken = ", ".join(f"{item.type} {_shown(item.shape)}" for item in inputs)
        raise ModelFileError(self._not_understood(f"takes {taken}"))

    def _not_understood(self, what: str) -> str:
        line = line_to_type("plate_ocr")
        return (
            f"{self._file} {what}; understood: uint8 n x height x width x 3 or 1, and n x slots x "
            f"{len(ALPHABET)}, as fast-plate-ocr's models have it ('{line}')"
        )


def read_slots(slots: npt.NDArray[np.float32]) -> Reading:
    """Read the slots, `(slots, characters)`, up to the first that says that nothing is there."""
    best = slots.argmax(axis=1)
    ends = np.flatnonzero(best == PAD)
    length = int(ends[0]) if len(ends) else len(best)
    if not length:
        return NOTHING
    sure = slots[np.arange(length), best[:length]]
    after = slots[length:, PAD]
    least = float(min(sure.min(), after.min(initial=1.0)))
    text = "".join(ALPHABET[item] for item in best[:length])
    return Reading(text, min(max(least, 0.0), 1.0), min(max(float(sure.mean()), 0.0), 1.0))


def _shown(shape: Sequence[object]) -> str:
    return " x ".join(map(str, shape))
