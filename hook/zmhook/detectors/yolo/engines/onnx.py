"""ONNX files on ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING, Any

from zmhook.detectors.onnx_runtime import CPU, open_session, reason, runtime
from zmhook.detectors.yolo.engines.base import Network, OnnxFileEngine, Port, threads

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)

CUDA = "CUDAExecutionProvider"
TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
}


class OnnxEngine(OnnxFileEngine):
    """Runs an `.onnx` file on the CPU, or by CUDA."""

    name = "onnxruntime"
    _session: Any = None

    def load(self) -> Network:
        self._weights.check()
        if self._settings.yolo_precision != "f32":
            log.warning("[yolo] yolo_precision: ONNX Runtime computes in f32; bf16 needs openvino")
        ort = runtime("yolo with an .onnx file", "yolo")
        self._session = session = self._open(ort)
        on = session.get_providers()[0].removesuffix("ExecutionProvider")
        count = threads(self._settings)
        self.description = f"ONNX Runtime {ort.__version__} ({on}, {count} threads)"
        metadata = session.get_modelmeta().custom_metadata_map
        size = self._take([_port(value) for value in session.get_inputs()], metadata)
        shapes = [tuple(output.shape) for output in session.get_outputs()]
        is_settled = all(isinstance(side, int) for shape in shapes for side in shape)
        names = (frozenset({output.name}) for output in session.get_outputs())
        return self._network(size, shapes if is_settled else None, names, metadata)

    def close(self) -> None:
        super().close()
        self._session = None

    def _run(self, inputs: dict[str, Any]) -> Sequence[Any]:
        outputs: Sequence[Any] = self._session.run(None, inputs)
        return outputs

    @staticmethod
    def _reason(error: Exception) -> str:
        return reason(error)

    def _open(self, ort: Any) -> Any:
        wants_gpu = self._settings.yolo_processor == "gpu"
        providers = _providers(ort) if wants_gpu else [CPU]
        session = open_session(ort, self._weights, threads(self._settings), providers)
        if wants_gpu and CUDA not in session.get_providers():
            log.warning("[yolo] yolo_processor: no usable CUDA GPU; running on the CPU instead")
        return session


def _providers(ort: Any) -> list[str]:
    if CUDA not in ort.get_available_providers():
        return [CPU]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        getattr(ort, "preload_dlls", lambda: None)()  # CUDA's libraries out of pip packages
    log.debug("CUDA libraries: %s", printed.getvalue().strip() or "found")
    return [CUDA, CPU]


def _port(port: Any) -> Port:
    return Port(port.name, TYPES.get(port.type, port.type), list(port.shape), port.type)


ENGINE = OnnxEngine
