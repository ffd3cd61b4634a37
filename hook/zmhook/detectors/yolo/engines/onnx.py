"""ONNX files on ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING, Any

from zmhook.detectors.ort import CPU, reason, runtime, session_options
from zmhook.detectors.yolo.engines.base import (
    OPEN_SIZE,
    Network,
    chosen_size,
    takes_one_picture,
    threads,
)
from zmhook.errors import DetectorError, ModelFileError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.yolo.files import ModelFiles
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

CUDA = "CUDAExecutionProvider"
INPUT_TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16"}


class OnnxEngine:
    """Runs an `.onnx` file with float32 or float16 input `(1, 3, height, width)`."""

    reads = ".onnx"
    name = "onnxruntime"

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        self._weights = files.weights
        self._settings = settings
        self._session: Any = None
        self._input = ""
        self._type = "float32"
        self.description = ""

    def load(self) -> Network:
        self._weights.check()
        if self._settings.yolo_precision != "f32":
            log.warning("[yolo] yolo_precision: ONNX Runtime computes in f32; bf16 needs openvino")
        ort = runtime("yolo with an .onnx file", "yolo")
        self._session = self._open(ort)
        on = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.description = f"ONNX Runtime {ort.__version__} ({on}, {self._threads} threads)"
        width, height = self._read_input()
        return Network(
            family="onnx",
            width=width,
            height=height,
            outputs=self._output_shapes(width, height),
            metadata=self._session.get_modelmeta().custom_metadata_map,
        )

    def infer(self, blob: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
        if self._session is None:
            raise DetectorError(f"{self._weights} is used after it was closed")
        try:
            given = self._session.run(None, {self._input: blob.astype(self._type, copy=False)})
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise DetectorError(f"{self._weights} failed: {reason(error)}") from error
        return [output.astype("float32", copy=False) for output in given]

    def close(self) -> None:
        self._session = None

    @property
    def _threads(self) -> int:
        return threads(self._settings)

    def _open(self, ort: Any) -> Any:
        # ONNX Runtime's own fallback from GPU to CPU prints to stdout, where only the answer
        # may stand; `_providers` and the check below do its work.
        try:
            session = ort.InferenceSession(
                str(self._weights.path),
                session_options(ort, self._threads),
                providers=self._providers(ort),
                enable_fallback=0,
            )
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise ModelFileError(
                f"{self._weights} is damaged or no ONNX network ({reason(error)}); "
                "fetch it again with 'zmhook models get'"
            ) from error
        if self._settings.yolo_processor == "gpu" and CUDA not in session.get_providers():
            log.warning("[yolo] yolo_processor: no usable CUDA GPU; running on the CPU instead")
        return session

    def _providers(self, ort: Any) -> list[str]:
        if self._settings.yolo_processor == "cpu" or CUDA not in ort.get_available_providers():
            return [CPU]
        with contextlib.redirect_stdout(io.StringIO()) as said:
            getattr(ort, "preload_dlls", lambda: None)()  # CUDA's libraries out of pip packages
        log.debug("CUDA libraries: %s", said.getvalue().strip() or "found")
        return [CUDA, CPU]

    def _read_input(self) -> tuple[int, int]:
        """Return `(width, height)` to give; raises `ModelFileError` when it is no picture."""
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if not takes_one_picture(shape) or inputs[0].type not in INPUT_TYPES:
            found = ", ".join(f"{one.type} {one.shape}" for one in inputs)
            raise ModelFileError(
                f"{self._weights} takes {found}; "
                "understood: one picture, float or float16, [1, 3, height, width]"
            )
        self._input, self._type = inputs[0].name, INPUT_TYPES[inputs[0].type]
        height, width = (self._side(side) for side in shape[2:])
        return width, height

    def _side(self, side: int | str | None) -> int:
        return side if isinstance(side, int) else chosen_size(self._settings, OPEN_SIZE)

    def _output_shapes(self, width: int, height: int) -> tuple[tuple[int, ...], ...]:
        """Return the outputs' shapes; a file that leaves one open has to be run to tell."""
        shapes = [tuple(output.shape) for output in self._session.get_outputs()]
        if all(isinstance(side, int) for shape in shapes for side in shape):
            return tuple(shapes)
        import numpy as np

        return tuple(one.shape for one in self.infer(np.zeros((1, 3, height, width), np.float32)))


ENGINE = OnnxEngine
