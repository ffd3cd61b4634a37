"""ONNX files on ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING, Any

from zmhook.detectors.onnx_file import refusal
from zmhook.detectors.ort import CPU, NAME, reason, runtime, session_options
from zmhook.detectors.yolo.engines.base import Network, threads
from zmhook.detectors.yolo.engines.ports import Inputs, Port, inputs_of, size_of
from zmhook.errors import DetectorError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zmhook.detectors.yolo.files import ModelFiles
    from zmhook.settings import Yolo

log = logging.getLogger(__name__)

CUDA = "CUDAExecutionProvider"
TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
}


class OnnxEngine:
    """Runs an `.onnx` file that takes one picture, `(1, 3, height, width)`."""

    reads = ".onnx"
    name = "onnxruntime"

    def __init__(self, files: ModelFiles, settings: Yolo) -> None:
        self._weights = files.weights
        self._settings = settings
        self._session: Any = None
        self._inputs: Inputs | None = None
        self._size: dict[str, Any] = {}
        self.description = ""

    def load(self) -> Network:
        self._weights.check()
        if self._settings.yolo_precision != "f32":
            log.warning("[yolo] yolo_precision: ONNX Runtime computes in f32; bf16 needs openvino")
        ort = runtime("yolo with an .onnx file", "yolo")
        self._session = self._open(ort)
        on = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.description = f"ONNX Runtime {ort.__version__} ({on}, {self._threads} threads)"
        metadata = self._session.get_modelmeta().custom_metadata_map
        self._inputs = inputs_of(
            [_port(value) for value in self._session.get_inputs()], self._weights
        )
        width, height = size_of(self._inputs.picture, self._settings, metadata)
        self._set_size(width, height)
        return Network(
            family="onnx",
            width=width,
            height=height,
            outputs=self._output_shapes(width, height),
            metadata=metadata,
            names=tuple(frozenset({output.name}) for output in self._session.get_outputs()),
            pixels=self._inputs.pixels,
            asks_size=bool(self._size),
        )

    def infer(self, blob: npt.NDArray[np.float32 | np.uint8]) -> list[npt.NDArray[np.float32]]:
        if self._session is None or self._inputs is None:
            raise DetectorError(f"{self._weights} is used after it was closed")
        name, kind = self._inputs.picture[:2]
        try:
            outputs = self._session.run(None, {name: blob.astype(kind, copy=False), **self._size})
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise DetectorError(f"{self._weights} failed: {reason(error)}") from error
        return [output.astype("float32", copy=False) for output in outputs]

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
            version = f"{NAME} {ort.__version__}"
            raise refusal(self._weights, error, version, reason(error)) from error
        if self._settings.yolo_processor == "gpu" and CUDA not in session.get_providers():
            log.warning("[yolo] yolo_processor: no usable CUDA GPU; running on the CPU instead")
        return session

    def _providers(self, ort: Any) -> list[str]:
        if self._settings.yolo_processor == "cpu" or CUDA not in ort.get_available_providers():
            return [CPU]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            getattr(ort, "preload_dlls", lambda: None)()  # CUDA's libraries out of pip packages
        log.debug("CUDA libraries: %s", printed.getvalue().strip() or "found")
        return [CUDA, CPU]

    def _set_size(self, width: int, height: int) -> None:
        """Have boxes given in the input's pixels, where the network asks in which."""
        size = self._inputs.size if self._inputs else None
        if size is not None:
            import numpy as np

            self._size = {size.name: np.array([[width, height]], size.type)}

    def _output_shapes(self, width: int, height: int) -> tuple[tuple[int, ...], ...]:
        """Return the outputs' shapes; a file that leaves one open has to be run to tell."""
        shapes = [tuple(output.shape) for output in self._session.get_outputs()]
        if all(isinstance(side, int) for shape in shapes for side in shape):
            return tuple(shapes)
        import numpy as np

        return tuple(
            output.shape for output in self.infer(np.zeros((1, 3, height, width), np.float32))
        )


def _port(port: Any) -> Port:
    return Port(port.name, TYPES.get(port.type, port.type), list(port.shape), port.type)


ENGINE = OnnxEngine
